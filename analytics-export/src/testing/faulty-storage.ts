import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";

/**
 * The fate of a request: `lost` is done, but its answer never arrives; `busy` is refused as when throttled;
 * `forbidden` as when the permission is gone; `silent` is not done and gets no answer.
 */
export type StorageFault = "lost" | "busy" | "forbidden" | "silent";

/** A storage seen through a proxy that causes faults. */
export type FaultyStorage = {
  /** The storage's URL through the proxy. */
  readonly url: string;
  /** The fault of each request; undefined for none. */
  onRequest(fault: (method: string, path: string) => StorageFault | undefined): void;
  close(): Promise<void>;
};

const refusals = {
  busy: { status: 503, code: "ServerBusy" },
  forbidden: { status: 403, code: "AuthorizationFailure" },
} as const;

/** @param target the storage's URL */
export async function openFaultyStorage(target: string): Promise<FaultyStorage> {
  let faultOf: (method: string, path: string) => StorageFault | undefined = () => undefined;
  const { hostname, port, pathname } = new URL(target);

  async function serve(from: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { method = "", url: path = "", headers } = from;
    const body = await buffer(from);
    const fault = faultOf(method, path);
    if (fault === "silent") return;
    if (fault === "busy" || fault === "forbidden") {
      const { status, code } = refusals[fault];
      answer.writeHead(status, { "content-type": "application/xml", "x-ms-error-code": code, "retry-after": "1" });
      answer.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>planted</Message></Error>`);
      return;
    }
    const forwarded = request({ hostname, port, method, path, headers }, async (found) => {
      const bytes = await buffer(found);
      if (fault === "lost") from.socket.destroy();
      else answer.writeHead(found.statusCode ?? 500, found.headers).end(bytes);
    });
    forwarded.on("error", () => from.socket.destroy());
    forwarded.end(body);
  }

  const server = createServer((from, answer) => void serve(from, answer));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}${pathname}`,
    onRequest(fault) {
      faultOf = fault;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

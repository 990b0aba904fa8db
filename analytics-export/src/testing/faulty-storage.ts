import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { buffer } from "node:stream/consumers";

/**
 * The fate of a request: `lost` is done, but its answer never arrives; `busy` is refused as when throttled;
 * `forbidden` as when the permission is gone; `unauthorized` as when the token is not valid, with a challenge, and
 * `unchallenged` without one; `silent` is not done and gets no answer.
 */
export type StorageFault = "lost" | "silent" | keyof typeof refusals;

/** `token`: the access token of the request, undefined if it has none. */
type FaultOf = (method: string, path: string, token: string | undefined) => StorageFault | undefined;

/** A storage seen through a proxy that causes faults. */
export type FaultyStorage = {
  /** The storage's URL through the proxy. */
  readonly url: string;
  /** The fault of each request; undefined for none. */
  onRequest(fault: FaultOf): void;
  close(): Promise<void>;
};

const refusals = {
  busy: { status: 503, code: "ServerBusy" },
  forbidden: { status: 403, code: "AuthorizationFailure" },
  unauthorized: { status: 401, code: "InvalidAuthenticationInfo" },
  unchallenged: { status: 401, code: "InvalidAuthenticationInfo" },
} as const;

/** As Azure Storage tells which tenant and kind of token it accepts. */
const challenge =
  "Bearer authorization_uri=https://login.microsoftonline.com/6b9c5a3e-0000-4000-8000-000000000000/oauth2/authorize " +
  "resource_id=https://storage.azure.com";

/** In place of access tokens, which the storage behind does not know, as the storage itself would check them. */
export type TokenFront = {
  /** The certificate that clients see, in PEM, for localhost. */
  readonly certificate: { readonly cert: string; readonly key: string };
  /** The query of a shared access signature. */
  readonly signature: string;
};

/**
 * @param target the storage's URL
 * @param front clients come over TLS with access tokens, which `onRequest` checks
 */
export async function openFaultyStorage(target: string, front?: TokenFront): Promise<FaultyStorage> {
  let faultOf: FaultOf = () => undefined;
  const { hostname, port, pathname } = new URL(target);

  async function serve(from: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { method = "", url = "", headers: sent } = from;
    const body = await buffer(from);
    const fault = faultOf(method, url, /^Bearer (.+)$/.exec(sent.authorization ?? "")?.[1]);
    if (fault === "silent") return;
    if (fault !== undefined && fault !== "lost") {
      const { status, code } = refusals[fault];
      const hint = fault === "unauthorized" ? { "www-authenticate": challenge } : { "retry-after": "1" };
      answer.writeHead(status, { "content-type": "application/xml", "x-ms-error-code": code, ...hint });
      answer.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>planted</Message></Error>`);
      return;
    }
    const headers = { ...sent };
    if (front) delete headers.authorization;
    const path = front ? `${url}${url.includes("?") ? "&" : "?"}${front.signature}` : url;
    const forwarded = request({ hostname, port, method, path, headers }, async (found) => {
      const bytes = await buffer(found);
      if (fault === "lost") from.socket.destroy();
      else answer.writeHead(found.statusCode ?? 500, found.headers).end(bytes);
    });
    forwarded.on("error", () => from.socket.destroy());
    forwarded.end(body);
  }

  const listener = (from: IncomingMessage, answer: ServerResponse) => void serve(from, answer);
  const server = front ? createTlsServer(front.certificate, listener) : createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const origin = front ? "https://localhost" : "http://127.0.0.1";
  return {
    url: `${origin}:${typeof address === "object" ? address?.port : ""}${pathname}`,
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

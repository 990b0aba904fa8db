import { connect } from "node:net";

export type RawAnswer = {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
};

export type RawRequest = {
  readonly method: string;
  readonly path: string;
  /** Sent in this order, duplicates included. Host, Connection and Content-Length are added if absent. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body?: string | Uint8Array;
};

/** The raw bytes of a request, so that a test can send one that no HTTP client would. */
export function requestBytes({ method, path, headers = [], body }: RawRequest): Buffer {
  const has = (name: string) => headers.some(([other]) => other.toLowerCase() === name);
  const bytes = body === undefined ? Buffer.alloc(0) : Buffer.from(body);
  const lines = headers.map(([name, value]) => `${name}: ${value}`);
  if (!has("host")) lines.unshift("Host: localhost");
  if (!has("connection")) lines.push("Connection: close");
  if (body !== undefined && !has("content-length") && !has("transfer-encoding"))
    lines.push(`Content-Length: ${bytes.length}`);
  return Buffer.concat([Buffer.from([`${method} ${path} HTTP/1.1`, ...lines, "", ""].join("\r\n"), "latin1"), bytes]);
}

/** Sends bytes over a new connection and reads until the server closes it; undefined if it does not answer. */
export async function sendRaw(port: number, bytes: Uint8Array): Promise<RawAnswer | undefined> {
  const socket = connect(port, "127.0.0.1");
  const chunks: Buffer[] = [];
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.on("data", (chunk) => chunks.push(chunk));
  // A server may refuse and close before it has read everything; its answer until then counts.
  socket.on("error", () => socket.destroy());
  socket.write(bytes);
  await closed;
  return parseAnswer(Buffer.concat(chunks).toString());
}

function parseAnswer(text: string): RawAnswer | undefined {
  const [head = "", body = ""] = text.split(/\r\n\r\n(.*)/s);
  const [first = "", ...lines] = head.split("\r\n");
  const status = /^HTTP\/1\.1 (\d{3})/.exec(first)?.[1];
  if (status === undefined) return undefined;
  const headers = lines.map((line): [string, string] => {
    const at = line.indexOf(":");
    return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
  });
  return { status: Number(status), headers: new Map(headers), body };
}

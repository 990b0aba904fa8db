import { connect } from "node:net";

export type RawAnswer = {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
};

export type RawRequest = {
  readonly method: string;
  readonly path: string;
  /** In this order, repeated ones too. Host, Connection and Content-Length are added unless they are here. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body?: string | Uint8Array;
};

/** A request as bytes on the wire, with nothing repaired: what no HTTP client would send can be sent. */
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

/**
 * Sends bytes over a connection of their own and reads until the server closes it; undefined when it answers nothing.
 */
export async function sendRaw(port: number, bytes: Uint8Array): Promise<RawAnswer | undefined> {
  const socket = connect(port, "127.0.0.1");
  const chunks: Buffer[] = [];
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.on("data", (chunk) => chunks.push(chunk));
  // A server may refuse and close before it has read everything: what it answered until then is what counts.
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

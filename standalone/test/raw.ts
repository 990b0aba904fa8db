import { connect } from "node:net";

export type RawReply = {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
};

/**
 * Sends raw bytes, which no HTTP client would, and reads until the connection ends. Status 0: it ended without an
 * answer.
 */
export function sendRaw(url: string, bytes: Uint8Array | string): Promise<RawReply> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    socket.on("data", (chunk) => chunks.push(chunk));
    // A server that refuses a request halfway may reset the connection after its answer.
    socket.on("error", () => socket.destroy());
    socket.on("close", () => resolve(parse(Buffer.concat(chunks).toString("utf8"))));
  });
}

export type RequestParts = {
  readonly method?: string;
  readonly path: string;
  /** Sent in this order; a name may appear twice. */
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: Uint8Array | string;
};

/** The bytes of a request with Connection: close. */
export function requestBytes({ method = "POST", path, headers = [], body = "" }: RequestParts): Buffer {
  const content = Buffer.from(body);
  const lines = [
    `${method} ${path} HTTP/1.1`,
    "Host: 127.0.0.1",
    "Connection: close",
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...(method === "GET" ? [] : [`Content-Length: ${content.length}`]),
  ];
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), content]);
}

function parse(text: string): RawReply {
  const [head = "", ...rest] = text.split("\r\n\r\n");
  const [first = "", ...lines] = head.split("\r\n");
  const headers = new Map(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1] ?? 0), headers, text: rest.join("\r\n\r\n") };
}

import type { RawData } from "ws";

/** A request of a client; `sasl`: the answer to a login challenge. */
type ClientRequest = { readonly id: string; readonly sasl: string | undefined; readonly text: string };

export type ServerAnswer = {
  readonly requestId: string;
  readonly status: { readonly code: number; readonly message: string; readonly attributes: object };
  readonly result: unknown;
};

export function bytesOf(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? Buffer.from(data) : data;
}

/** Reads a frame of a client: the length of a MIME type, the type, and JSON. */
export function readRequest(frame: Buffer): ClientRequest {
  const { requestId, args } = JSON.parse(frame.toString("utf8", 1 + (frame[0] ?? 0)));
  const sasl = args.sasl === undefined ? undefined : Buffer.from(args.sasl, "base64").toString();
  return { id: requestId["@value"], sasl, text: String(args.gremlin) };
}

export function readAnswer(frame: Buffer): ServerAnswer {
  return JSON.parse(frame.toString());
}

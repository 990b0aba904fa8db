import type { LedgerErrorCode } from "../../../domain/errors.ts";
import { isLedgerError, LedgerError } from "../../../domain/errors.ts";
import type { Position, Revision, Shard } from "../../../domain/position.ts";

/** Messages from `connectLog` to `serveLog`. `call` numbers the calls of one port. */
export type LogRequest = { readonly call: number } & (
  | { readonly kind: "append"; readonly shard: Shard; readonly expectedRevision: Revision; readonly frames: Uint8Array }
  | { readonly kind: "head"; readonly shard: Shard }
  /** Opens a stream, which sends nothing until it is pulled. */
  | { readonly kind: "read"; readonly shard: Shard; readonly from: Revision; readonly limit: number | undefined }
  | { readonly kind: "subscribe"; readonly shard: Shard; readonly from: Revision }
  /** Asks for the next piece of a stream; each gets one reply. */
  | { readonly kind: "pull" }
  /** Ends a stream: its consumer aborted or left. */
  | { readonly kind: "stop" }
);

/** Messages from `serveLog` to `connectLog`. */
export type LogReply = { readonly call: number } & (
  | { readonly kind: "revision"; readonly revision: Revision }
  | { readonly kind: "batch"; readonly batch: WireBatch }
  | { readonly kind: "caught_up"; readonly head: Revision }
  | { readonly kind: "end" }
  | { readonly kind: "failed"; readonly fault: WireFault }
);

/** A batch whose bytes are transferred: each array has its own buffer. */
export type WireBatch = {
  readonly shard: Shard;
  readonly first: Revision;
  readonly count: number;
  readonly frames: Uint8Array<ArrayBuffer>;
  readonly leaves: Uint8Array<ArrayBuffer>;
  readonly checked: boolean;
};

/** An error without its cause; `code` is null for a bug. */
export type WireFault = {
  readonly code: LedgerErrorCode | null;
  readonly message: string;
  readonly retryable: boolean;
  readonly position: Position | undefined;
};

export function toFault(error: unknown): WireFault {
  if (isLedgerError(error))
    return { code: error.code, message: error.message, retryable: error.retryable, position: error.position };
  return { code: null, message: String(error), retryable: false, position: undefined };
}

export function fromFault({ code, message, retryable, position }: WireFault): Error {
  if (code === null) return new Error(message);
  return new LedgerError(code, message, position ? { retryable, position } : { retryable });
}

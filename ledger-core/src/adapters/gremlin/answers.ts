import { LedgerError } from "../../domain/errors.ts";

/** A scalar, list or map that a traversal returned. */
export type GremlinValue =
  | string
  | number
  | boolean
  | null
  | readonly GremlinValue[]
  | { readonly [key: string]: GremlinValue };

/** A frame as the driver expects it. Without a request id, it fails every request under way. */
type Frame = {
  readonly requestId: string | null;
  readonly status: { readonly code: number; readonly message: string; readonly attributes: object };
  readonly result: { readonly data: unknown };
};

/**
 * Reads the server's frames for the driver, which ends the process on a frame that it cannot read. Such a frame is
 * reported and fails every request under way.
 */
export function guardedReader(onOdd: () => void): { readResponse(frame: Buffer): Frame } {
  return {
    readResponse(bytes) {
      const frame = readFrame(bytes);
      if (frame) return frame;
      onOdd();
      const status = { code: 500, message: "the server sent a frame that is no answer", attributes: {} };
      return { requestId: null, status, result: { data: [] } };
    },
  };
}

function readFrame(bytes: Buffer): Frame | undefined {
  const frame = parse(bytes);
  if (!isObject(frame) || !isObject(frame.status) || !isObject(frame.result)) return undefined;
  const { requestId, status, result } = frame;
  const { code, message, attributes } = status;
  if (requestId !== null && typeof requestId !== "string") return undefined;
  if (typeof code !== "number") return undefined;
  // A login challenge has no list.
  const data = code === CHALLENGE ? null : result.data === null ? [] : plain(result.data);
  if (code < 300 && !Array.isArray(data)) return undefined;
  const said = { code, message: String(message ?? ""), attributes: isObject(attributes) ? attributes : {} };
  return { requestId, status: said, result: { data } };
}

const CHALLENGE = 407;

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

/** GraphSON 2 wraps numbers and dates in objects with a type. */
function plain(value: unknown): GremlinValue {
  if (Array.isArray(value)) return value.map(plain);
  if (!isObject(value)) return isScalar(value) ? value : null;
  if ("@type" in value) return plain(value["@value"]);
  const map: Record<string, GremlinValue> = {};
  for (const key in value) map[key] = plain(value[key]);
  return map;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}
/** A field of a map that a traversal returned. @throws store_unavailable if it is no text */
export function textIn(value: GremlinValue | undefined, field: string): string {
  const text = fieldOf(value, field);
  if (typeof text !== "string") throw strange(field);
  return text;
}

/** @throws store_unavailable if it is no safe integer */
export function numberIn(value: GremlinValue | undefined, field: string): number {
  const number = fieldOf(value, field);
  if (typeof number !== "number" || !Number.isSafeInteger(number)) throw strange(field);
  return number;
}

function textsIn(value: GremlinValue | undefined, field: string): readonly string[] {
  const list = fieldOf(value, field);
  if (!Array.isArray(list)) throw strange(field);
  return list.map((item: GremlinValue) => {
    if (typeof item !== "string") throw strange(field);
    return item;
  });
}

/** A map of lists of texts that a traversal returned. @throws store_unavailable if it is none */
export function listsIn(value: GremlinValue | undefined): ReadonlyMap<string, readonly string[]> {
  if (!isObject(value)) throw strange("a map");
  return new Map(Object.keys(value).map((key) => [key, textsIn(value, key)]));
}

/** A field of a map that a traversal returned; undefined if there is none. */
export function fieldOf(value: GremlinValue | undefined, field: string): GremlinValue | undefined {
  return isObject(value) ? value[field] : undefined;
}

function strange(field: string): LedgerError {
  return new LedgerError("store_unavailable", `the graph returned something else than ${field}`, { retryable: true });
}

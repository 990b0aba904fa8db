import { isUtf8 } from "node:buffer";
import { BACKSLASH, BRACE_CLOSE, BRACE_OPEN, BRACKET_CLOSE, BRACKET_OPEN, COLON, QUOTE } from "../codec/json-bytes.ts";
import { Problem } from "./problems.ts";

export const NESTING_MAX = 16;

type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;
export type JsonObject = { [key: string]: JsonValue };

/**
 * The JSON object in a request's body, read strictly: valid UTF-8, one value, no key twice, no key that reaches a
 * prototype or needs an escape, no half of a surrogate pair, no deep nesting. This is the hot path, so it takes one
 * JSON.parse and one pass over the bytes: valid JSON has one colon outside strings per member, and JSON.parse keeps one
 * of each key, so a duplicate key shows as fewer keys than colons.
 * @throws Problem 400
 */
export function parseBody(bytes: Buffer): JsonObject {
  if (bytes.length === 0) throw new Problem("empty_body", "The body is empty; a JSON object is needed.");
  if (!isUtf8(bytes)) throw new Problem("invalid_utf8", "The body is not valid UTF-8.");
  const { members, escapedKeys } = scan(bytes);
  const text = escapedKeys.length === 0 ? bytes.toString("utf8") : writeOutKeys(bytes, escapedKeys);
  const value = parse(text);
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Problem("not_an_object", "The body's top level must be a JSON object.");
  if (countKeys(value) !== members) throw new Problem("duplicate_key", "An object of the body names a key twice.");
  // Valid UTF-8 holds no surrogates, so a lone one can only come from an escape.
  if (text.includes("\\u") && !isWellFormed(value))
    throw new Problem("lone_surrogate", "A string of the body holds half of a surrogate pair.");
  return value;
}

function parse(text: string): JsonValue {
  try {
    return JSON.parse(text);
  } catch {
    throw new Problem("malformed_json", "The body is not one JSON value of RFC 8259.");
  }
}

type Scan = {
  /** The colons outside strings. */
  readonly members: number;
  /** Where keys with an escape are: first and last byte, quotes included. */
  readonly escapedKeys: readonly (readonly [first: number, last: number])[];
};

/** One pass over the bytes. Depth is bounded here, before anything recurses into the value. */
function scan(bytes: Buffer): Scan {
  const length = bytes.length;
  const escapedKeys: [number, number][] = [];
  let members = 0;
  let depth = 0;
  let start = 0;
  let end = 0;
  let escaped = false;
  for (let i = 0; i < length; i++) {
    switch (bytes[i]) {
      case QUOTE:
        start = i;
        escaped = false;
        for (i++; i < length; i++) {
          const byte = bytes[i];
          if (byte === QUOTE) break;
          if (byte === BACKSLASH) {
            escaped = true;
            i++;
          }
        }
        end = i;
        break;
      case COLON:
        members++;
        if (escaped) escapedKeys.push([start, end]);
        break;
      case BRACE_OPEN:
      case BRACKET_OPEN:
        if (++depth > NESTING_MAX)
          throw new Problem("too_deep", `The body nests objects and arrays deeper than ${NESTING_MAX}.`);
        break;
      case BRACE_CLOSE:
      case BRACKET_CLOSE:
        depth--;
        break;
      default:
    }
  }
  return { members, escapedKeys };
}

/**
 * The text with every key written without escapes. After it has once read the key `\\`, JSON.parse of V8 13 and 14
 * reads other escaped keys as that key (nodejs/node#63785): one client could change what another's metadata says. Keys
 * without escapes are read correctly; keys that need one are refused, so stored keys have none either. Control
 * characters that need none (U+007F to U+009F) are for the schemas to refuse.
 */
function writeOutKeys(bytes: Buffer, escapedKeys: Scan["escapedKeys"]): string {
  let text = "";
  let from = 0;
  for (const [first, last] of escapedKeys) {
    const key = parse(bytes.toString("utf8", first, last + 1));
    if (typeof key !== "string" || !key.isWellFormed())
      throw new Problem("lone_surrogate", "A key of the body holds half of a surrogate pair.");
    if (JSON.stringify(key) !== `"${key}"`)
      throw new Problem("forbidden_key", "A key holds a quotation mark, a backslash or a control character.");
    text += `${bytes.toString("utf8", from, first)}"${key}"`;
    from = last + 1;
  }
  return text + bytes.toString("utf8", from);
}

function countKeys(value: JsonObject | JsonValue[]): number {
  let keys = 0;
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === "object" && item !== null) keys += countKeys(item);
    return keys;
  }
  for (const key in value) {
    if (key === "__proto__" || key === "constructor" || key === "prototype")
      throw new Problem("forbidden_key", `No object of the body may have a key named ${key}.`);
    keys++;
    const field = value[key];
    if (typeof field === "object" && field !== null) keys += countKeys(field);
  }
  return keys;
}

function isWellFormed(value: JsonValue): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value !== "object" || value === null) return true;
  return Object.entries(value).every(([key, field]) => key.isWellFormed() && isWellFormed(field));
}

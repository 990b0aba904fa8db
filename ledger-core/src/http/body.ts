import { isUtf8 } from "node:buffer";
import { Problem } from "./problems.ts";

export const NESTING_MAX = 16;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;
const BRACKET_OPEN = 0x5b;
const BRACKET_CLOSE = 0x5d;

export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;
export type JsonObject = { [key: string]: JsonValue };

/**
 * The JSON object in a request's body, read strictly: valid UTF-8, one value, no key twice, no key that reaches a prototype,
 * no half of a surrogate pair, no deep nesting. It stands on the hot path, so it is one JSON.parse and one pass over the bytes:
 * in valid JSON the colons outside strings are the members, and JSON.parse keeps one of each key, so that a key given twice
 * shows as fewer keys than colons.
 * @throws Problem 400
 */
export function parseBody(bytes: Buffer): JsonObject {
  if (bytes.length === 0) throw new Problem("empty_body", "The body is empty; a JSON object is needed.");
  if (!isUtf8(bytes)) throw new Problem("invalid_utf8", "The body is not valid UTF-8.");
  const members = countColons(bytes);
  const text = bytes.toString("utf8");
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

/** The colons outside strings. Depth is bounded here, before anything recurses into the value. */
function countColons(bytes: Buffer): number {
  const length = bytes.length;
  let colons = 0;
  let depth = 0;
  for (let i = 0; i < length; i++) {
    switch (bytes[i]) {
      case QUOTE:
        for (i++; i < length; i++) {
          const byte = bytes[i];
          if (byte === QUOTE) break;
          if (byte === BACKSLASH) i++;
        }
        break;
      case COLON:
        colons++;
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
  return colons;
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

import { StoreDamage } from "../damage.ts";

// Check every value before use: a damaged page may still be readable, with other values of other types.

export function text(value: unknown, column: string): string {
  if (typeof value === "string") return value;
  throw unreadable(column);
}

export function textOrNull(value: unknown, column: string): string | null {
  return value === null ? null : text(value, column);
}

/** A BIGINT. */
export function whole(value: unknown, column: string): bigint {
  if (typeof value === "bigint") return value;
  throw unreadable(column);
}

export function wholeOrNull(value: unknown, column: string): bigint | null {
  return value === null ? null : whole(value, column);
}

/** An INT, or a BIGINT within the safe integers. */
export function count(value: unknown, column: string): number {
  const number = Number(value);
  if ((typeof value === "bigint" || typeof value === "number") && Number.isSafeInteger(number)) return number;
  throw unreadable(column);
}

/** JSON of an object or array. */
export function json(value: unknown, column: string): object {
  try {
    const parsed: unknown = JSON.parse(text(value, column));
    if (typeof parsed === "object" && parsed !== null) return parsed;
  } catch {
    // Fall through to the error below.
  }
  throw unreadable(column);
}

function unreadable(column: string): StoreDamage {
  return new StoreDamage("models", "row_unreadable", `read models: a row's ${column} cannot be read`);
}

import { StoreDamage } from "../damage.ts";

// Check every value before use: a damaged page may still be readable, with other values of other types.

/** A row as the driver returns it; nothing about it is certain. */
export type ReadRow = Readonly<Record<string, unknown>>;

export function text(row: ReadRow, column: string): string {
  const value = row[column];
  if (typeof value === "string") return value;
  throw unreadable(column);
}

export function textOrNull(row: ReadRow, column: string): string | null {
  return row[column] === null ? null : text(row, column);
}

/** A BIGINT. */
export function whole(row: ReadRow, column: string): bigint {
  const value = row[column];
  if (typeof value === "bigint") return value;
  throw unreadable(column);
}

export function wholeOrNull(row: ReadRow, column: string): bigint | null {
  return row[column] === null ? null : whole(row, column);
}

/** An INT, or a BIGINT within the safe integers. */
export function count(row: ReadRow, column: string): number {
  const value = row[column];
  const number = Number(value);
  if ((typeof value === "bigint" || typeof value === "number") && Number.isSafeInteger(number)) return number;
  throw unreadable(column);
}

/** Microseconds of a time that a calendar can show: up to the year 9999; no event is later. */
export function instant(row: ReadRow, column: string): number {
  const micros = count(row, column);
  if (micros < 0 || micros >= 253_402_300_800_000_000) throw unreadable(column);
  return micros;
}

/** Shard and revision in one number; ids have no room for a greater one. */
export function number(row: ReadRow, column: string): number {
  const value = count(row, column);
  if (value < 0 || value >= 2 ** 50) throw unreadable(column);
  return value;
}

/** The part of an id that its time and number do not contain. */
export function salt(row: ReadRow, column: string): number {
  const value = count(row, column);
  if (value < 0 || value >= 2 ** 30) throw unreadable(column);
  return value;
}

/** JSON of an object or array. */
export function json(row: ReadRow, column: string): object {
  try {
    const parsed: unknown = JSON.parse(text(row, column));
    if (typeof parsed === "object" && parsed !== null) return parsed;
  } catch {
    // Fall through to the error below.
  }
  throw unreadable(column);
}

/** The code of a filter's word; for an unknown word, a code that no row has. */
export function codeIn(words: readonly string[], word: string): number {
  return words.indexOf(word);
}

/** The error for a row that no projection wrote. */
export function unreadable(column: string): StoreDamage {
  return new StoreDamage("models", "row_unreadable", `read models: a row's ${column} cannot be read`);
}

import type { Currency } from "ledger-core";

/** The state of reading a bulk's bytes, reused for every item. */
export type Reading = {
  readonly bytes: Buffer;
  at: number;
  /** Start and end offset of each field's value in the current item, side by side. */
  readonly places: Int32Array;
  /** The last item's currency. */
  currency: Currency | undefined;
  /** The decoded text of a block of bytes that starts at `blockAt`. */
  block: string;
  blockAt: number;
};

/** Marks an absent field; a value never starts at offset 0, after a brace and a name. */
export const ABSENT = 0;

/**
 * Decodes text in blocks, since a call per text would cost as much as everything else. V8 keeps a block alive as long
 * as any slice of it; that is still less than the body, and the state keeps no text of an automatic payment.
 */
const BLOCK_BYTES = 8192;

export function openReading(bytes: Buffer, fieldCount: number): Reading {
  return { bytes, at: 0, places: new Int32Array(2 * fieldCount), currency: undefined, block: "", blockAt: 0 };
}

export function startOf(reading: Reading, place: number): number {
  return reading.places[place] ?? ABSENT;
}

export function endOf(reading: Reading, place: number): number {
  return reading.places[place + 1] ?? ABSENT;
}

/** The text of a field's value, which is ASCII. */
export function textOf(reading: Reading, place: number): string {
  const start = startOf(reading, place);
  const end = endOf(reading, place);
  const { blockAt, block } = reading;
  if (start < blockAt || end > blockAt + block.length) {
    reading.blockAt = start;
    reading.block = reading.bytes.toString("latin1", start, Math.max(end, start + BLOCK_BYTES));
  }
  return reading.block.slice(start - reading.blockAt, end - reading.blockAt);
}

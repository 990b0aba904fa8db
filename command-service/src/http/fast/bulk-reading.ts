import type { Currency } from "ledger-core";

/** How far a bulk's bytes are read, and what serves item after item. */
export type Reading = {
  readonly bytes: Buffer;
  at: number;
  /** Of the item that is being read: where the value of each field begins, and beside it where it ends. */
  readonly places: Int32Array;
  /** The last item's. */
  currency: Currency | undefined;
  /** The text of some of the bytes, from `blockAt` on. */
  block: string;
  blockAt: number;
};

/** The offset of an absent field. No value begins there, after a brace and a name. */
export const ABSENT = 0;

/**
 * Texts are made of so many bytes at once, since a call for each would cost as much as all the rest. V8 keeps a block
 * alive for as long as a slice of it lives: at least that is not the body, and the state keeps no text of an automatic
 * payment.
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

/** The value of a field, which is ASCII. */
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

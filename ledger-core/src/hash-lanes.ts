/**
 * A hash under way: two independent 32-bit lanes over the UTF-16 units of a text. They are all there is of it, so that a text is
 * hashed piece by piece without ever being one, and a copy taken behind a prefix goes on from there.
 * Method: cyrb53 (public domain; multiply and mix, finalizer of MurmurHash3), both lanes kept whole.
 */
export type Lanes = { high: number; low: number };

export function openLanes(seed = 0): Lanes {
  return { high: 0xdeadbeef ^ seed, low: 0x41c6ce57 ^ seed };
}

export function copyLanes({ high, low }: Lanes): Lanes {
  return { high, low };
}

export function mixText(lanes: Lanes, text: string): void {
  let { high, low } = lanes;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    high = Math.imul(high ^ unit, 0x9e3779b1);
    low = Math.imul(low ^ unit, 0x5f356495);
  }
  lanes.high = high;
  lanes.low = low;
}

/** What `mixText` does with the text that ASCII bytes stand for, from the first up to the one behind the last. */
export function mixBytes(lanes: Lanes, bytes: Uint8Array, from: number, to: number): void {
  let { high, low } = lanes;
  for (let i = from; i < to; i++) {
    const unit = bytes[i] ?? 0;
    high = Math.imul(high ^ unit, 0x9e3779b1);
    low = Math.imul(low ^ unit, 0x5f356495);
  }
  lanes.high = high;
  lanes.low = low;
}

export function mixLineBreak(lanes: Lanes): void {
  lanes.high = Math.imul(lanes.high ^ 10, 0x9e3779b1);
  lanes.low = Math.imul(lanes.low ^ 10, 0x5f356495);
}

/** The hash of what was mixed in, as two unsigned words. */
export function hashOf(lanes: Lanes): { readonly high: number; readonly low: number } {
  let { high, low } = lanes;
  high = Math.imul(high ^ (high >>> 16), 0x85ebca6b) ^ Math.imul(low ^ (low >>> 13), 0xc2b2ae35);
  low = Math.imul(low ^ (low >>> 16), 0x85ebca6b) ^ Math.imul(high ^ (high >>> 13), 0xc2b2ae35);
  return { high: high >>> 0, low: low >>> 0 };
}

const hexDigits = Uint8Array.from("0123456789abcdef", (digit) => digit.charCodeAt(0));

/** The same hash as 16 hex digits. Made in one go: `toString(16)` of so large a number takes half a microsecond, joining pieces a tenth. */
export function hexOf(lanes: Lanes): string {
  const { high, low } = hashOf(lanes);
  return String.fromCharCode(
    hexDigit(high >>> 28),
    hexDigit(high >>> 24),
    hexDigit(high >>> 20),
    hexDigit(high >>> 16),
    hexDigit(high >>> 12),
    hexDigit(high >>> 8),
    hexDigit(high >>> 4),
    hexDigit(high),
    hexDigit(low >>> 28),
    hexDigit(low >>> 24),
    hexDigit(low >>> 20),
    hexDigit(low >>> 16),
    hexDigit(low >>> 12),
    hexDigit(low >>> 8),
    hexDigit(low >>> 4),
    hexDigit(low),
  );
}

function hexDigit(bits: number): number {
  return hexDigits[bits & 15] ?? 0;
}

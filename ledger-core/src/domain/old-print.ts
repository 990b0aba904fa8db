/**
 * A 64-bit hash of a text in two words. Collisions are easy to make, so it serves only old prints in the log and the
 * seeds of a simulation, never a text that a client could exploit. Method: cyrb53 (public domain;
 * multiply and mix, finalizer of MurmurHash3), both lanes kept whole.
 */
export function weakHash64(text: string, seed = 0): { readonly high: number; readonly low: number } {
  let high = 0xdeadbeef ^ seed;
  let low = 0x41c6ce57 ^ seed;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    high = Math.imul(high ^ unit, 0x9e3779b1);
    low = Math.imul(low ^ unit, 0x5f356495);
  }
  high = Math.imul(high ^ (high >>> 16), 0x85ebca6b) ^ Math.imul(low ^ (low >>> 13), 0xc2b2ae35);
  low = Math.imul(low ^ (low >>> 16), 0x85ebca6b) ^ Math.imul(high ^ (high >>> 13), 0xc2b2ae35);
  return { high: high >>> 0, low: low >>> 0 };
}

const OLD_PRINT_DIGITS = 16;

/** The prints of events that were written before prints were cryptographic. */
export const oldPrint = (text: string): string => {
  const { high, low } = weakHash64(text);
  return high.toString(16).padStart(8, "0") + low.toString(16).padStart(8, "0");
};

/** Whether a stored print was made by `oldPrint`: a repeat of its request is known by the same function. */
export function isOldPrint(stored: string): boolean {
  return stored.length === OLD_PRINT_DIGITS;
}

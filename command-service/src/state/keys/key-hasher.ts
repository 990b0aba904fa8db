export const HASH_KEY_BYTES = 16;
const FINAL_ROUNDS = 4;
const BLOCK_ROUNDS = 2;

/**
 * SipHash-2-4 (public domain; Aumasson and Bernstein) of an idempotency key in its scope, under a secret 128-bit key,
 * so that clients cannot construct collisions. The hash has 64 bits; a chance collision costs one read of the log,
 * where whole keys are compared.
 * The result is in `high` and `low`, since allocating an object would cost as much as the hash.
 */
export class KeyHasher {
  high = 0;
  low = 0;
  /** The initial state, and the state after the last scope, from which the caller's next key continues. */
  private readonly start: Int32Array;
  private readonly scope: Int32Array;
  private scopeBytes = 0;
  private lastTenant = "";
  private lastSub = "";
  private lastKey: string | undefined;

  /** @param key 16 bytes */
  constructor(key: Uint8Array) {
    const view = new DataView(key.buffer, key.byteOffset, HASH_KEY_BYTES);
    const [k0, k1, k2, k3] = [0, 4, 8, 12].map((at) => view.getInt32(at, true));
    this.start = Int32Array.of(
      ...[(k0 ?? 0) ^ 0x70736575, (k1 ?? 0) ^ 0x736f6d65, (k2 ?? 0) ^ 0x6e646f6d, (k3 ?? 0) ^ 0x646f7261],
      ...[(k0 ?? 0) ^ 0x6e657261, (k1 ?? 0) ^ 0x6c796765, (k2 ?? 0) ^ 0x79746573, (k3 ?? 0) ^ 0x74656462],
    );
    this.scope = Int32Array.from(this.start);
    this.enterScope("", "");
  }

  /**
   * Hashes a key, unless it is the last one: a new key is looked up and, right after, applied with its event.
   */
  hash(tenant: string, sub: string, key: string): void {
    if (tenant !== this.lastTenant || sub !== this.lastSub) this.enterScope(tenant, sub);
    else if (key === this.lastKey) return;
    this.lastKey = key;
    const bytes = bytesOf(key);
    this.mix(this.scope, bytes, this.scopeBytes + bytes.length);
  }

  /** Sets the hash of a key that was hashed earlier. */
  recall(tenant: string, sub: string, key: string, high: number, low: number): void {
    if (tenant !== this.lastTenant || sub !== this.lastSub) this.enterScope(tenant, sub);
    this.lastKey = key;
    this.high = high;
    this.low = low;
  }

  /** The plain SipHash of bytes, one per character of the text. */
  hashBytes(text: string): void {
    this.lastKey = undefined;
    this.mix(this.start, text, text.length);
  }

  private enterScope(tenant: string, sub: string): void {
    const text = bytesOf(`${tenant}\n${sub}\n`);
    // Pad to whole blocks, so that keys begin a new one. No subject contains the padding.
    const scope = text.padEnd(Math.ceil(text.length / 8) * 8, "\0");
    this.mix(this.start, scope, -1);
    this.scopeBytes = scope.length;
    this.lastTenant = tenant;
    this.lastSub = sub;
  }

  /**
   * Hashes a text, continuing from a state.
   * @param total all bytes hashed, for the last block; -1: the state will be continued
   */
  private mix(from: Int32Array, text: string, total: number): void {
    let a = from[0] ?? 0;
    let aa = from[1] ?? 0;
    let b = from[2] ?? 0;
    let bb = from[3] ?? 0;
    let c = from[4] ?? 0;
    let cc = from[5] ?? 0;
    let d = from[6] ?? 0;
    let dd = from[7] ?? 0;
    const last = total < 0 ? -1 : (text.length >>> 3) + 1;
    const blocks = total < 0 ? text.length >>> 3 : last + 1;
    for (let block = 0; block < blocks; block++) {
      // The lower and upper half of eight bytes; the final rounds follow the last block.
      let low = 0;
      let high = 0;
      if (block !== last) {
        low = wordAt(text, 8 * block);
        high = wordAt(text, 8 * block + 4);
        if (block === last - 1) high |= total << 24;
      } else c ^= 0xff;
      d ^= low;
      dd ^= high;
      for (let round = block === last ? FINAL_ROUNDS : BLOCK_ROUNDS; round > 0; round--) {
        // 64-bit sums in two halves: the carry is the top bit of (x & b) | ((x | b) & ~sum).
        let x = a;
        a = (a + b) | 0;
        aa = (aa + bb + (((x & b) | ((x | b) & ~a)) >>> 31)) | 0;
        x = b;
        b = ((b << 13) | (bb >>> 19)) ^ a;
        bb = ((bb << 13) | (x >>> 19)) ^ aa;
        x = a;
        a = aa;
        aa = x;
        x = c;
        c = (c + d) | 0;
        cc = (cc + dd + (((x & d) | ((x | d) & ~c)) >>> 31)) | 0;
        x = d;
        d = ((d << 16) | (dd >>> 16)) ^ c;
        dd = ((dd << 16) | (x >>> 16)) ^ cc;
        x = a;
        a = (a + d) | 0;
        aa = (aa + dd + (((x & d) | ((x | d) & ~a)) >>> 31)) | 0;
        x = d;
        d = ((d << 21) | (dd >>> 11)) ^ a;
        dd = ((dd << 21) | (x >>> 11)) ^ aa;
        x = c;
        c = (c + b) | 0;
        cc = (cc + bb + (((x & b) | ((x | b) & ~c)) >>> 31)) | 0;
        x = b;
        b = ((b << 17) | (bb >>> 15)) ^ c;
        bb = ((bb << 17) | (x >>> 15)) ^ cc;
        x = c;
        c = cc;
        cc = x;
      }
      a ^= low;
      aa ^= high;
    }
    if (total < 0) this.scope.set([a, aa, b, bb, c, cc, d, dd]);
    this.low = (a ^ b ^ c ^ d) >>> 0;
    this.high = (aa ^ bb ^ cc ^ dd) >>> 0;
  }
}

/** Four characters of a text as bytes, padded with zeros. */
function wordAt(text: string, at: number): number {
  if (at + 4 <= text.length)
    return (
      text.charCodeAt(at) |
      (text.charCodeAt(at + 1) << 8) |
      (text.charCodeAt(at + 2) << 16) |
      (text.charCodeAt(at + 3) << 24)
    );
  let word = 0;
  for (let i = text.length - 1; i >= at; i--) word = (word << 8) | text.charCodeAt(i);
  return word;
}

/** The text with one character for each of its bytes in UTF-8. */
function bytesOf(text: string): string {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return Buffer.from(text).toString("latin1");
  return text;
}

/**
 * Idempotency keys that had one 64-bit hash when keys were hashed without a secret (cyrb53 in two lanes). Each lane is
 * s → (s ^ unit) * A mod 2^32, so a unit below 128 adds to s what the seven lowest bits of s decide. Blocks of six
 * characters that lead from the same lowest bits of both lanes back to them therefore add constants, whatever the rest
 * of the state is: four such blocks are joined like lists of sums (Wagner's generalized birthday).
 */
const A = 0x9e3779b1;
const B = 0x5f356495;
const LOW = 127;
const CHARS = Array.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", (c) => c.charCodeAt(0));
const HALF = 3;
/** Twice as many would give sixteen times the keys: 4,106 of 2^20 blocks, in 10 s. */
const LIST = 2 ** 19;

type State = { readonly h: number; readonly l: number };
type Sums = { readonly h: Int32Array; readonly l: Int32Array };
type Blocks = Sums & { readonly first: Uint32Array; readonly second: Uint32Array };
type Pairs = Sums & { readonly a: Uint32Array; readonly b: Uint32Array };

function lanesOf(text: string, { h, l }: State = { h: 0xdeadbeef | 0, l: 0x41c6ce57 | 0 }): State {
  let [high, low] = [h, l];
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    high = Math.imul(high ^ unit, A);
    low = Math.imul(low ^ unit, B);
  }
  return { h: high, l: low };
}

function power(base: number, exponent: number): number {
  let result = 1;
  for (let i = 0; i < exponent; i++) result = Math.imul(result, base);
  return result;
}

/** The inverse of an odd number modulo 2^32, by Newton's method. */
function inverse(a: number): number {
  let x = a;
  for (let i = 0; i < 5; i++) x = Math.imul(x, 2 - Math.imul(a, x));
  return x;
}

/** Words of three characters by their number. */
function word(n: number): string {
  const c = CHARS.length;
  return String.fromCharCode(CHARS[n % c] ?? 0, CHARS[Math.floor(n / c) % c] ?? 0, CHARS[Math.floor(n / c / c)] ?? 0);
}

/** Blocks that lead from the lowest bits of a state back to them, and their sums. */
function blocksAt(from: State): Blocks {
  const words = CHARS.length ** HALF;
  const low = ({ h, l }: State) => ((h & LOW) << 7) | (l & LOW);
  const [iA, iB] = [inverse(A), inverse(B)];
  const byStart: number[][] = Array.from({ length: 2 ** 14 }, () => []);
  for (let n = 0; n < words; n++) {
    let { h, l } = from;
    const text = word(n);
    for (let i = HALF - 1; i >= 0; i--) {
      h = Math.imul(h, iA) ^ text.charCodeAt(i);
      l = Math.imul(l, iB) ^ text.charCodeAt(i);
    }
    byStart[low({ h, l })]?.push(n);
  }
  const blocks = {
    first: new Uint32Array(LIST),
    second: new Uint32Array(LIST),
    h: new Int32Array(LIST),
    l: new Int32Array(LIST),
  };
  const [a6, b6] = [power(A, 2 * HALF), power(B, 2 * HALF)];
  let count = 0;
  for (let n = 0; n < words && count < LIST; n++) {
    const middle = lanesOf(word(n), from);
    for (const m of byStart[low(middle)] ?? []) {
      if (count === LIST) break;
      const end = lanesOf(word(m), middle);
      blocks.first[count] = n;
      blocks.second[count] = m;
      blocks.h[count] = (end.h - Math.imul(from.h, a6)) | 0;
      blocks.l[count] = (end.l - Math.imul(from.l, b6)) | 0;
      count++;
    }
  }
  if (count < LIST) throw new Error(`only ${count} blocks`);
  return blocks;
}

const JOIN = 2 ** 25;

/** Pairs from two lists whose sums have these 25 lowest bits in the first lane. */
function pairs(one: Sums, other: Sums, lowest: number): Pairs {
  const next = new Int32Array(LIST).fill(-1);
  const heads = new Map<number, number>();
  for (let i = 0; i < LIST; i++) {
    const key = (other.h[i] ?? 0) & (JOIN - 1);
    next[i] = heads.get(key) ?? -1;
    heads.set(key, i);
  }
  const a: number[] = [];
  const b: number[] = [];
  for (let i = 0; i < LIST; i++) {
    for (let j = heads.get((lowest - (one.h[i] ?? 0)) & (JOIN - 1)) ?? -1; j >= 0; j = next[j] ?? -1) {
      a.push(i);
      b.push(j);
    }
  }
  const h = Int32Array.from(a, (i, k) => ((one.h[i] ?? 0) + (other.h[b[k] ?? 0] ?? 0)) | 0);
  const l = Int32Array.from(a, (i, k) => ((one.l[i] ?? 0) + (other.l[b[k] ?? 0] ?? 0)) | 0);
  return { a: Uint32Array.from(a), b: Uint32Array.from(b), h, l };
}

/** Keys with the same hash in the scope of a caller. */
export function equalHashKeys(tenant: string, sub: string): string[] {
  const blocks = blocksAt(lanesOf(`${tenant}\n${sub}\n`));
  // The sum that a block adds, by the number of blocks after it.
  const lists = [3, 2, 1, 0].map((behind): Sums => {
    const [a, b] = [power(A, 2 * HALF * behind), power(B, 2 * HALF * behind)];
    return { h: blocks.h.map((sum) => Math.imul(sum, a)), l: blocks.l.map((sum) => Math.imul(sum, b)) };
  });
  const [one, two, three, four] = lists;
  if (!one || !two || !three || !four) throw new Error("four lists");
  const left = pairs(one, two, ((one.h[0] ?? 0) + (two.h[0] ?? 0)) & (JOIN - 1));
  const right = pairs(three, four, ((three.h[1] ?? 0) + (four.h[1] ?? 0)) & (JOIN - 1));
  return joined(left, right).map((places) => places.map((n) => textOf(blocks, n)).join(""));
}

function textOf({ first, second }: Blocks, n: number): string {
  return word(first[n] ?? 0) + word(second[n] ?? 0);
}

/** Four blocks each, all with the same sum in both lanes. */
function joined(left: Pairs, right: Pairs): number[][] {
  const [sumH, sumL] = [(left.h[0] ?? 0) + (right.h[0] ?? 0), (left.l[0] ?? 0) + (right.l[0] ?? 0)];
  const byLow = new Map<number, number[]>();
  for (const [i, low] of left.l.entries()) {
    const there = byLow.get(low);
    if (there) there.push(i);
    else byLow.set(low, [i]);
  }
  const found: number[][] = [];
  for (const [j, low] of right.l.entries()) {
    for (const i of byLow.get((sumL - low) | 0) ?? []) {
      if ((((left.h[i] ?? 0) + (right.h[j] ?? 0) - sumH) | 0) !== 0) continue;
      found.push([left.a[i] ?? 0, left.b[i] ?? 0, right.a[j] ?? 0, right.b[j] ?? 0]);
    }
  }
  return found;
}

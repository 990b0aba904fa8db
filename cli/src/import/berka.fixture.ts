import { writeFileSync } from "node:fs";
import { join } from "node:path";

const header = "trans_id,account_id,date,type,operation,amount,balance,k_symbol,bank,account";

/** Pseudorandom numbers from 0 up to but not including 1, determined by the seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export type Bank = {
  readonly rows: readonly string[];
  readonly credits: bigint;
  readonly debits: bigint;
  readonly exact: number;
  readonly belowZero: number;
};

/**
 * A year of a made-up bank that, like the real one, keeps its own balances in tenths: some differ from the sums by up
 * to 5 hellers.
 */
export function makeBank({ seed, rows: count, customers }: { seed: number; rows: number; customers: number }): Bank {
  const random = randomOf(seed);
  const pick = <T>(items: readonly [T, ...T[]]): T => items[Math.floor(random() * items.length)] ?? items[0];
  const balances = new Map<number, bigint>();
  const rows: string[] = [];
  let [credits, debits, exact, belowZero] = [0n, 0n, 0, 0];
  for (let n = 0; n < count; n++) {
    const account = 1 + Math.floor(random() * customers);
    const day = new Date(Date.UTC(1993, 0, 1 + Math.floor((n * 365) / count))).toISOString().slice(0, 10);
    const credit = random() < 0.6;
    const amount = BigInt(1 + Math.floor(random() * 500_000));
    const balance = (balances.get(account) ?? 0n) + (credit ? amount : -amount);
    balances.set(account, balance);
    const banks = balance - (balance % 10n);
    if (credit) credits += amount;
    else debits += amount;
    if (banks === balance) exact++;
    if (balance < 0n) belowZero++;
    const operation = credit ? pick(["VKLAD", "PREVOD Z UCTU", ""]) : pick(["VYBER", "PREVOD NA UCET", "VYBER KARTOU"]);
    const other = operation.startsWith("PREVOD") ? `${pick(["AB", "CD", "EF"])},${Math.floor(random() * 20)}` : ",";
    const type = credit ? "PRIJEM" : "VYDAJ";
    rows.push(`${n + 1},${account},${day},${type},${operation},${decimal(amount)},${decimal(banks)},,${other}`);
  }
  return { rows, credits, debits, exact, belowZero };
}

function decimal(hellers: bigint): string {
  const digits = (hellers < 0n ? -hellers : hellers).toString().padStart(3, "0");
  return `${hellers < 0n ? "-" : ""}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

/** Writes rows under the header to a file in the folder; returns its path. */
export function writeBank(dir: string, name: string, rows: readonly string[]): string {
  const path = join(dir, name);
  writeFileSync(path, [header, ...rows, ""].join("\n"));
  return path;
}

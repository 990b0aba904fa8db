import { seeded } from "ledger-core/testing/history";
import type { Child } from "../children.ts";
import type { LedgerServerReady } from "../servers/ledger.ts";

/** The write side of a ledger, without a read side. */
export type FilledLedger = Child<LedgerServerReady>;
export type HistoryOptions = { readonly events: number; readonly seed: number };
type Random = ReturnType<typeof seeded>;
type Item = { readonly command: string } & Readonly<Record<string, unknown>>;
type Accounts = { readonly wallets: readonly string[]; readonly merchants: readonly string[] };
type Post = (key: string, path: string, body: object) => Promise<Readonly<Record<string, unknown>>>;

const WALLETS = 20_000;
const MERCHANTS = 500;
const LANES = 4;
const PER_BULK = 1000;
/** Of each bulk, so many payments are captured, voided or refunded later. */
const FOLLOWED = 30;
const REFERENCES = 50;

/** Fills an empty ledger through its API: payments of every course, transfers, top-ups and payouts, none refused. */
export async function fill(ledger: FilledLedger, { events, seed }: HistoryOptions): Promise<void> {
  const post = poster(ledger);
  const { accounts: wallets } = await ledger.ask<{ accounts: string[] }>({ ask: "accounts", count: WALLETS });
  const merchants = await Promise.all(Array.from({ length: MERCHANTS }, (_, n) => openMerchant(post, n)));
  const accounts = { wallets, merchants };
  let made = wallets.length + merchants.length;

  async function lane(n: number): Promise<void> {
    const next = seeded(seed * LANES + n);
    for (let bulk = 0; made < events; bulk++) {
      const items = Array.from({ length: PER_BULK }, () => itemOf(accounts, next));
      made += items.length;
      const keyed = items.map((item, i) => ({ idempotencyKey: `${n}-${bulk}-${i}`, ...item }));
      const { results } = await post(`${n}-${bulk}`, "/v1/bulk", { mode: "each", items: keyed });
      made += await follow(post, items, Array.isArray(results) ? results : [], next);
    }
  }
  await Promise.all(Array.from({ length: LANES }, (_, n) => lane(n)));
}

/** Captures in parts, voids and refunds some payments of a bulk, one request each. @returns how many */
async function follow(post: Post, items: readonly Item[], results: readonly unknown[], next: Random): Promise<number> {
  const works = new Map<string, Promise<unknown>>();
  for (let n = 0; n < FOLLOWED; n++) {
    const i = next(items.length);
    const [item, id] = [items[i], Object(results[i]).id];
    if (item?.command !== "payment" || typeof id !== "string" || works.has(id)) continue;
    const [verb, body] = item.capture === "manual" ? settling(next) : refunding(next);
    works.set(id, post(`${verb}-${id}`, `/v1/payments/${id}/${verb}`, body));
  }
  await Promise.all(works.values());
  return works.size;
}

function settling(next: Random): readonly [string, object] {
  if (next(3) === 0) return ["void", {}];
  return ["capture", next(2) === 0 ? {} : { amount: "1", final: next(2) === 0 }];
}

function refunding(next: Random): readonly [string, object] {
  return ["refunds", next(2) === 0 ? {} : { amount: "1", reason: "too much" }];
}

function itemOf({ wallets, merchants }: Accounts, next: Random): Item {
  const some = (from: readonly string[]) => from[next(from.length)];
  const amount = String(1 + next(100_000));
  const reference = next(2) === 0 ? { reference: `order-${next(REFERENCES)}` } : {};
  const money = { amount, currency: "HKD" };
  const account = some(wallets);
  const draw = next(100);
  if (draw < 80) {
    const payee = next(3) === 0 ? some(merchants) : other(wallets, account, next);
    const capture = draw < 10 ? { capture: "manual" } : {};
    return { command: "payment", payer: account, payee, ...money, ...reference, ...capture };
  }
  if (draw < 90) {
    const legs = [{ from: account, to: other(wallets, account, next), amount }];
    const effectiveDate = next(2) === 0 ? { effectiveDate: `2026-0${1 + next(9)}-1${next(10)}` } : {};
    return { command: "transfer", legs, currency: "HKD", ...reference, ...effectiveDate };
  }
  return { command: draw < 95 ? "top-up" : "payout", account, ...money, rail: "fps" };
}

function other(accounts: readonly string[], than: string | undefined, next: Random): string | undefined {
  const first = next(accounts.length);
  return accounts[first] === than ? accounts[(first + 1) % accounts.length] : accounts[first];
}

async function openMerchant(post: Post, n: number): Promise<string> {
  const account = { type: "merchant", currency: "HKD", owner: `shop-${n}`, displayName: `Shop ${n}` };
  const { id } = await post(`shop-${n}`, "/v1/accounts", {
    ...account,
    timeZone: n % 2 === 0 ? "Asia/Hong_Kong" : "UTC",
  });
  return String(id);
}

/** @throws on any answer but a success */
function poster({ ready: { port, token } }: FilledLedger): Post {
  return async (key, path, body) => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json", "idempotency-key": key };
    const request = { method: "POST", headers, body: JSON.stringify(body) };
    const response = await fetch(`http://127.0.0.1:${port}${path}`, request);
    const answer = JSON.parse(await response.text());
    if (!response.ok) throw new Error(`${path}: ${response.status} ${answer.code}`);
    return answer;
  };
}

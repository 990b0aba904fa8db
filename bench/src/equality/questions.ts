import { isSubject } from "ledger-core/http/tokens";
import type { seeded } from "ledger-core/testing/history";
import { type Asker, type Asking, type Body, operator, type RandomQuestion } from "./asking.ts";

/** The subjects of the questions. */
export type Objects = {
  readonly accounts: readonly { readonly id: string; readonly owner: string }[];
  readonly payments: readonly string[];
  readonly entries: readonly Body[];
  /** Transfers, refunds, top-ups and payouts. */
  readonly others: readonly Source[];
};
type Source = { readonly kind: string; readonly id: string };
type Random = ReturnType<typeof seeded>;

const ACCOUNTS = 2_000;
const PAYMENTS = 2_000;
const WITH_ENTRIES = 300;

/** Finds the newest and oldest accounts and payments, and entries of random accounts. */
export async function findObjects(asking: Asking, base: string, next: Random): Promise<Objects> {
  const pages = async (path: string, rows: number) => (await asking.list(base, { ...operator, path, rows })).rows;
  const bothEnds = async (path: string, most: number) => [
    ...(await pages(`${path}?limit=200`, most)),
    ...(await pages(`${path}?limit=200&order=asc`, most)),
  ];
  const accounts = (await bothEnds("/v1/accounts", ACCOUNTS)).map(({ id, owner }) => {
    return { id: String(id), owner: String(owner) };
  });
  const payments = (await bothEnds("/v1/payments", PAYMENTS)).map(({ id }) => String(id));
  const entries: Body[] = [];
  for (let n = 0; n < WITH_ENTRIES; n++) {
    const { id } = pick(next, accounts);
    entries.push(...(await pages(`/v1/accounts/${id}/entries?limit=50&order=${pick(next, ["asc", "desc"])}`, 50)));
  }
  const sources = entries.map(({ source }) => sourceOf(source));
  return {
    ...{ accounts, entries },
    payments: [...payments, ...sources.filter(({ kind }) => kind === "payment").map(({ id }) => id)],
    others: sources.filter(({ kind }) => kind !== "payment"),
  };
}

/** A random question of any kind by any caller. */
export function question(objects: Objects, next: Random): RandomQuestion {
  const { accounts, payments, others } = objects;
  const { id, owner: holder } = pick(next, accounts);
  // Nobody may act as an owner of the ledger's own accounts.
  const owner = isSubject(holder) ? holder : "nobody";
  const who: Asker = next(2) === 0 ? operator : { sub: owner, role: pick(next, ["consumer", "merchant"] as const) };
  switch (next(12)) {
    case 0:
      return { ...who, path: `/v1/accounts/${id}` };
    case 1:
      return accountList(who, owner, next);
    case 2:
    case 3:
    case 4:
      return entryList(who, id, objects, next);
    case 5:
    case 6:
      return { ...who, path: `/v1/accounts/${id}/balance${momentOf(objects, next)}` };
    case 7:
      return { ...who, path: `/v1/payments/${pick(next, payments)}` };
    case 8:
    case 9:
      return paymentList(who, id, objects, next);
    case 10: {
      const { kind, id: made } = pick(next, others);
      return { ...who, path: `/v1/${kind}s/${made}` };
    }
    default:
      return pick(next, [
        { sub: owner, role: "consumer" as const, path: "/v1/me/session" },
        { ...who, path: `/v1/accounts/${id}/recommendations?limit=20` },
      ]);
  }
}

function accountList(who: Asker, owner: string, next: Random): RandomQuestion {
  const type = () => pick(next, ["wallet", "merchant", "bank", "clearing", "revenue"]);
  const status = () => pick(next, ["open", "frozen"]);
  return list(who, "/v1/accounts", next, { owner: () => owner, type, status });
}

function entryList(who: Asker, account: string, { entries }: Objects, next: Random): RandomQuestion {
  const time = () => pick(next, entries).bookedAt;
  const amount = () => String(pick(next, entries).amount).replace("-", "");
  return list(who, `/v1/accounts/${account}/entries`, next, {
    ...{ from: time, to: time, minAmount: amount, maxAmount: amount },
    type: () => pick(next, ["payment", "transfer", "refund", "top-up", "payout"]),
    reference: () => pick(next, entries).reference ?? "none",
  });
}

function paymentList(who: Asker, account: string, { entries }: Objects, next: Random): RandomQuestion {
  const time = () => pick(next, entries).bookedAt;
  const statuses = ["captured", "authorized", "refunded", "partially_refunded", "voided", "expired"];
  const filters = { account: () => account, status: () => pick(next, statuses), from: time, to: time };
  return list(who, "/v1/payments", next, filters);
}

function momentOf({ entries }: Objects, next: Random): string {
  const { position, bookedAt, effectiveDate } = pick(next, entries);
  return pick(next, ["", `?position=${position}`, `?at=${bookedAt}`, `?effectiveDate=${effectiveDate}`]);
}

/** A list with each filter one time in three. */
function list(
  who: Asker,
  path: string,
  next: Random,
  filters: Readonly<Record<string, () => unknown>>,
): RandomQuestion {
  const limit = pick(next, [1, 5, 50, 200]);
  const some = Object.entries(filters)
    .filter(() => next(3) === 0)
    .map(([name, value]) => `&${name}=${encodeURIComponent(String(value()))}`);
  const query = `limit=${limit}&order=${pick(next, ["asc", "desc"])}${some.join("")}`;
  return { ...who, path: `${path}?${query}`, rows: limit * pick(next, [1, 1, 2]) };
}

function sourceOf(value: unknown): Source {
  const { kind, id } = Object(value);
  return { kind: String(kind), id: String(id) };
}

function pick<Item>(next: Random, items: readonly Item[]): Item {
  const item = items[next(items.length)];
  if (item === undefined) throw new Error("the ledger has none of what a question needs");
  return item;
}

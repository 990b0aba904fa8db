import { parseArgs } from "node:util";
import type { Caller } from "ledger-core";
import { isSubject, signToken } from "ledger-core/http/tokens";
import { openDataFolder } from "standalone/data-folder";

/*
 * Asks two ledgers on copies of one log the same random questions of every kind, and reports the first differences:
 *   node bench/src/compare.ts --data ./data --old http://127.0.0.1:8080 --new http://127.0.0.1:9080 --queries 200000
 * `--data` is the folder of either: its keys sign the tokens, since both folders are copies.
 */

const { values: flags } = parseArgs({
  options: {
    old: { type: "string" },
    new: { type: "string" },
    data: { type: "string" },
    tenant: { type: "string", default: "default" },
    queries: { type: "string", default: "200000" },
    seed: { type: "string", default: "1" },
    lanes: { type: "string", default: "8" },
  },
});
const { old: oldUrl, new: newUrl, data } = flags;
if (!oldUrl || !newUrl || !data) throw new Error("usage: --old URL --new URL --data FOLDER [--queries N] [--seed N]");
const { signingKeys } = await openDataFolder(data, { make: false });

/** Whole numbers from 0 up to but not including `below`, determined by the seed. */
function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
const next = seeded(Number(flags.seed));

function pick<Item>(items: readonly Item[]): Item {
  const item = items[next(items.length)];
  if (item === undefined) throw new Error("the ledger has none of what a question needs");
  return item;
}

/** Makes one token per caller. */
function tokenMaker(): (caller: { readonly sub: string; readonly role: Caller["role"] }) => Promise<string> {
  const made = new Map<string, Promise<string>>();
  return ({ sub, role }) => {
    const key = `${role} ${sub}`;
    const token = made.get(key) ?? signToken({ tenant: flags.tenant, role, sub, ttlSeconds: 86_400 }, signingKeys);
    made.set(key, token);
    return token;
  };
}
const tokenOf = tokenMaker();

type Question = { readonly sub: string; readonly role: Caller["role"]; readonly path: string };
type Body = Readonly<Record<string, unknown>>;
type Answer = { readonly status: number; readonly body: Body };

async function ask(base: string, { sub, role, path }: Question, cursor = ""): Promise<Answer> {
  const token = await tokenOf({ sub, role });
  const response = await fetch(base + path + cursor, { headers: { authorization: `Bearer ${token}` } });
  return { status: response.status, body: JSON.parse(await response.text()) };
}

function field(body: unknown, name: string): unknown {
  return typeof body === "object" && body !== null ? Reflect.get(body, name) : undefined;
}

function rowsOf(body: unknown): readonly Body[] {
  const rows = field(body, "data");
  return Array.isArray(rows) ? rows : [];
}

/** The first rows of a list, and whether it ends there: a page may be short if no index matches its filter. */
async function firstRows(base: string, question: Question, most: number): Promise<unknown> {
  const rows: Body[] = [];
  let cursor = "";
  for (;;) {
    const { status, body } = await ask(base, question, cursor);
    if (status !== 200) return { status, code: field(body, "code") };
    rows.push(...rowsOf(body));
    const after = field(body, "nextCursor");
    if (after === null || rows.length > most) return { rows: rows.slice(0, most), more: rows.length > most };
    cursor = `&cursor=${after}`;
  }
}

const operator = { sub: "compare", role: "operator" } as const;

/** Objects to ask for, found page by page in the old ledger. */
async function findObjects(base: string) {
  const pages = async (path: string, most: number) => {
    const found = await firstRows(base, { ...operator, path }, most);
    return rowsOf({ data: field(found, "rows") });
  };
  const [newest, oldest] = [
    await pages("/v1/accounts?limit=200", 2_000),
    await pages("/v1/accounts?limit=200&order=asc", 2_000),
  ];
  const accounts = [...newest, ...oldest].map((one) => ({ id: String(one.id), owner: String(one.owner) }));
  const payments = [
    ...(await pages("/v1/payments?limit=200", 2_000)),
    ...(await pages("/v1/payments?limit=200&order=asc", 2_000)),
  ].map(({ id }) => String(id));
  const entries: Body[] = [];
  for (let n = 0; n < 300; n++)
    entries.push(
      ...(await pages(`/v1/accounts/${pick(accounts).id}/entries?limit=50&order=${pick(["asc", "desc"])}`, 50)),
    );
  const sources = entries.map(({ source }) => ({
    kind: String(field(source, "kind")),
    id: String(field(source, "id")),
  }));
  const refunds = sources.filter(({ kind }) => kind !== "payment");
  return {
    accounts,
    payments: [...payments, ...sources.filter(({ kind }) => kind === "payment").map(({ id }) => id)],
    entries,
    refunds,
  };
}

type Objects = Awaited<ReturnType<typeof findObjects>>;

function filters(...options: readonly (readonly [string, () => unknown])[]): string {
  return options
    .filter(() => next(3) === 0)
    .map(([name, value]) => `&${name}=${encodeURIComponent(String(value()))}`)
    .join("");
}

/** A question of any kind and, for a list, how many rows to compare. */
function question({ accounts, payments, entries, refunds }: Objects): Question & { readonly rows?: number } {
  const { id, owner: holder } = pick(accounts);
  // Nobody may act as an owner of the ledger's own accounts.
  const owner = isSubject(holder) ? holder : "nobody";
  const who: Omit<Question, "path"> =
    next(2) === 0 ? operator : { sub: owner, role: pick(["consumer", "merchant"] as const) };
  const limit = pick([1, 5, 50, 200]);
  const order = pick(["asc", "desc"]);
  const time = () => pick(entries).bookedAt;
  const list = { rows: limit * pick([1, 1, 2]), ...who };
  const amount = () => String(pick(entries).amount).replace("-", "");
  switch (next(12)) {
    case 0:
      return { ...who, path: `/v1/accounts/${id}` };
    case 1: {
      const type = pick(["wallet", "merchant", "bank", "clearing", "revenue"]);
      const some = filters(["owner", () => owner], ["type", () => type], ["status", () => pick(["open", "frozen"])]);
      return { ...list, path: `/v1/accounts?limit=${limit}&order=${order}${some}` };
    }
    case 2:
    case 3:
    case 4: {
      const type = () => pick(["payment", "transfer", "refund", "top-up", "payout"]);
      const reference = () => pick(entries).reference ?? "none";
      const some = filters(
        ...([
          ["from", time],
          ["to", time],
          ["type", type],
          ["minAmount", amount],
          ["maxAmount", amount],
        ] as const),
        ["reference", reference],
      );
      return { ...list, path: `/v1/accounts/${id}/entries?limit=${limit}&order=${order}${some}` };
    }
    case 5:
    case 6: {
      const { position, bookedAt, effectiveDate } = pick(entries);
      const moment = pick(["", `?position=${position}`, `?at=${bookedAt}`, `?effectiveDate=${effectiveDate}`]);
      return { ...who, path: `/v1/accounts/${id}/balance${moment}` };
    }
    case 7:
      return { ...who, path: `/v1/payments/${payments.length === 0 ? "none" : pick(payments)}` };
    case 8:
    case 9: {
      const status = () => pick(["captured", "authorized", "refunded", "partially_refunded", "voided", "expired"]);
      const some = filters(["account", () => id], ["status", status], ["from", time], ["to", time]);
      return { ...list, path: `/v1/payments?limit=${limit}&order=${order}${some}` };
    }
    case 10: {
      const { kind, id: made } = refunds.length === 0 ? { kind: "transfer", id: "none" } : pick(refunds);
      return { ...who, path: `/v1/${kind}s/${made}` };
    }
    default:
      return pick([
        { sub: owner, role: "consumer" as const, path: "/v1/me/session" },
        { ...who, path: `/v1/accounts/${id}/recommendations?limit=20` },
      ]);
  }
}

/** An answer without the parts that differ per request. */
async function answer(base: string, asked: ReturnType<typeof question>): Promise<string> {
  if (asked.rows !== undefined) return JSON.stringify(await firstRows(base, asked, asked.rows));
  const { status, body } = await ask(base, asked);
  const { instance: _, ...rest } = body;
  return JSON.stringify({ status, rest });
}

/** Asks until the limit, or until ten answers differ. @returns how many differ */
async function compare(objects: Objects, total: number, lanes: number): Promise<number> {
  const took = { old: 0, new: 0 };
  let asked = 0;
  let differing = 0;
  const timed = async (name: "old" | "new", base: string, one: ReturnType<typeof question>) => {
    const began = performance.now();
    const text = await answer(base, one);
    took[name] += performance.now() - began;
    return text;
  };
  const lane = async () => {
    while (asked < total && differing < 10) {
      asked++;
      const one = question(objects);
      const [before, after] = await Promise.all([timed("old", oldUrl ?? "", one), timed("new", newUrl ?? "", one)]);
      if (before !== after) {
        differing++;
        console.log(`${one.role} ${one.sub} ${one.path}\n  old ${before.slice(0, 600)}\n  new ${after.slice(0, 600)}`);
      }
      if (asked % 10_000 === 0) console.log(`${asked} asked, ${differing} differ`);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  const each = (ms: number) => `${(ms / asked).toFixed(2)} ms`;
  console.log(`${asked} asked, ${differing} differ; an answer took ${each(took.old)} old, ${each(took.new)} new`);
  return differing;
}

const differing = await compare(await findObjects(oldUrl), Number(flags.queries), Number(flags.lanes));
process.exitCode = differing === 0 ? 0 : 1;

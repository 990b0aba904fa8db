import { type AccountId, type Caller, type Micros, type Shard, seesWholeTenant } from "ledger-core";
import { entryTypeCodes, numberOfId, paymentStatusCodes } from "ledger-core/sql";
import { ownedBy, ownersAccounts } from "./accounts.ts";
import { codeIn, instant, number, type ReadRow } from "./columns.ts";
import { firstEntry } from "./entry-rows.ts";
import type { IdPage } from "./pages.ts";
import { along, type ModelsSnapshot, type NumberRange, numbersOf, select, table } from "./snapshot.ts";
import { joined, type Order, plain, type Sql, sql } from "./sql.ts";
import type { TimedWalk } from "./times.ts";
import { cutAfter, type IndexWalk, type ScanEnd, type Walk, walkEntries, walkIndex } from "./walks.ts";

/*
 * A payment with automatic capture is found by the two entries that made it, one with manual capture by its two
 * authorizations; payment_states has those that are or were in a state other than captured. A payment without a row
 * there is captured.
 */

export type PaymentFilters = {
  readonly account: AccountId | undefined;
  readonly status: string | undefined;
  readonly from: Micros | undefined;
  readonly to: Micros | undefined;
};

/**
 * Walks that find payments of one shard in the numbers `seen`, and their end if it is before that of the page's range.
 */
export type PaymentWalks = {
  readonly walks: readonly Walk[];
  readonly seen: NumberRange;
  readonly end?: ScanEnd | undefined;
};

/** The walks behind a list: an account's, the tenant's, or those of the caller's accounts. */
export async function walksOf(
  snapshot: ModelsSnapshot,
  caller: Caller,
  shard: Shard,
  { account, status }: PaymentFilters,
  seen: NumberRange,
  { order }: IdPage,
): Promise<PaymentWalks> {
  const code = status === undefined ? undefined : codeIn(paymentStatusCodes.words, status);
  if (account !== undefined) return { walks: ofAccount(snapshot, sql`${numberOfId(account)}`, shard, code), seen };
  if (seesWholeTenant(caller.role)) return { walks: ofTenant(snapshot, caller.tenant, code), seen };
  return ofOwner(snapshot, caller, shard, code, seen, order);
}

const CAPTURED = paymentStatusCodes.codeOf("captured");

/** All payments of a tenant. */
function made(snapshot: ModelsSnapshot, tenant: string): IndexWalk {
  const from = along(snapshot, "payments", "p", "primary key");
  return { from, where: sql`p.tenant = ${tenant}`, number: plain("p.number") };
}

export function paymentsByTime(snapshot: ModelsSnapshot, tenant: string): TimedWalk {
  const at = plain("p.at");
  return { at, of: (wanted) => walkIndex({ ...made(snapshot, tenant), scan: { wanted, at } }) };
}

function ofTenant(snapshot: ModelsSnapshot, tenant: string, status: number | undefined): Walk[] {
  if (status === undefined) return [walkIndex(made(snapshot, tenant))];
  const changed = inState(snapshot, "tenant", sql`${tenant}`, status);
  if (status !== CAPTURED) return [changed];
  const wanted = withoutState(snapshot, plain("p.number"));
  return [paymentsByTime(snapshot, tenant).of(wanted), changed];
}

/** The walks of an account, by its number or by a column that holds it. */
function ofAccount(snapshot: ModelsSnapshot, account: Sql, shard: Shard, status: number | undefined): Walk[] {
  const changed = (code: number) => (["payer", "payee"] as const).map((side) => inState(snapshot, side, account, code));
  if (status !== undefined && status !== CAPTURED) return changed(status);
  const base = numbersOf(shard).from;
  const charge = sql`e.type = ${entryTypeCodes.codeOf("payment")} AND e.source IS NULL`;
  const untouched = sql`${charge} AND ${withoutState(snapshot, sql`e.revision + ${base}`)}`;
  const charges = walkEntries(snapshot, account, shard, status === undefined ? charge : untouched);
  if (status !== undefined) return [charges, ...changed(CAPTURED)];
  const from = along(snapshot, "authorizations", "z", "primary key");
  return [charges, walkIndex({ from, where: sql`z.account = ${account}`, number: plain("z.number") })];
}

function inState(snapshot: ModelsSnapshot, by: "tenant" | "payer" | "payee", value: Sql, status: number): Walk {
  const from = along(snapshot, "paymentStates", "s", [by, "status", "number"]);
  const where = sql`s.${plain(by)} = ${value} AND s.status = ${status}`;
  return walkIndex({ from, where, number: plain("s.number") });
}

function withoutState(snapshot: ModelsSnapshot, number: Sql): Sql {
  return sql`NOT EXISTS (SELECT 1 FROM ${table(snapshot, "paymentStates", "t")} WHERE t.number = ${number})`;
}

/** The head of an account: the number of its first row in a range. */
type Head = { readonly account: number; readonly number: number };

/**
 * The walks of an owner's accounts: those that a list reaches first, at most `mergedAccounts`. From the first row of
 * the last one on, other accounts may have payments too, so the page ends there.
 */
async function ofOwner(
  snapshot: ModelsSnapshot,
  { tenant, sub }: Caller,
  shard: Shard,
  status: number | undefined,
  range: NumberRange,
  order: Order,
): Promise<PaymentWalks> {
  const heads = await headsOf(snapshot, { tenant, owner: sub }, shard, status, range, order);
  const first = heads
    .toSorted((a, b) => (order === "desc" ? b.number - a.number : a.number - b.number))
    .slice(0, snapshot.limits.mergedAccounts);
  const walks = first.flatMap(({ account }) => ofAccount(snapshot, sql`${account}`, shard, status));
  const last = first.at(-1);
  if (!last || heads.length === first.length) return { walks, seen: range };
  const end = { number: last.number, at: await timeOf(snapshot, tenant, last, shard) };
  return { walks, seen: cutAfter(range, last.number, order), end };
}

async function headsOf(
  snapshot: ModelsSnapshot,
  { tenant, owner }: { readonly tenant: string; readonly owner: string },
  shard: Shard,
  status: number | undefined,
  range: NumberRange,
  order: Order,
): Promise<Head[]> {
  const walks = ofAccount(snapshot, plain("a.number"), shard, status);
  const firsts = walks.map((walk, n) => sql`${walk.first(range, order)} AS ${plain(`head${n}`)}`);
  const own = numbersOf(shard);
  const rows = await select(
    snapshot,
    sql`SELECT a.number AS account, ${joined(firsts, ", ")} FROM ${ownersAccounts(snapshot)}
      WHERE ${ownedBy(tenant, owner)} AND a.number >= ${own.from} AND a.number < ${own.below}`,
  );
  return rows.flatMap((row) => {
    const numbers = walks.flatMap((_, n) => (row[`head${n}`] === null ? [] : [number(row, `head${n}`)]));
    if (numbers.length === 0) return [];
    return [{ account: number(row, "account"), number: (order === "desc" ? Math.max : Math.min)(...numbers) }];
  });
}

/** The time of the event at an account's head, whether it booked an entry or made a payment. */
async function timeOf(snapshot: ModelsSnapshot, tenant: string, { account, number: at }: Head, shard: Shard) {
  const revision = at - numbersOf(shard).from;
  const booked = firstEntry(snapshot, {
    ...{ columns: plain("e.at"), account: sql`${account}`, shard: sql`${shard}`, order: "desc" },
    revisions: { from: revision, below: revision + 1 },
  });
  const [row = {}]: readonly ReadRow[] = await select(
    snapshot,
    sql`SELECT ${booked} AS booked_at, (SELECT p.at FROM ${table(snapshot, "payments", "p")}
      WHERE p.tenant = ${tenant} AND p.number = ${at}) AS made_at`,
  );
  return instant(row, row.booked_at === null ? "made_at" : "booked_at");
}

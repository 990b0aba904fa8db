import { type Account, type Caller, mayRead, type PaymentId, type Position, type Shard } from "ledger-core";
import { accountStatusCodes, accountTypeCodes, numberOf, numberOfId, positionOf } from "ledger-core/sql";
import { readAccount } from "./accounts.ts";
import { text } from "./columns.ts";
import { firstRows, type IdPage, type Listed, mergePage, rangeOfPage, type ShardRows } from "./pages.ts";
import { type PaymentFilters, paymentsByTime, walksOf } from "./payment-walks.ts";
import { type PaymentView, toPayment } from "./rows.ts";
import { type ModelsSnapshot, type NumberRange, select, table } from "./snapshot.ts";
import { joined, plain, type Sql, sql, way } from "./sql.ts";
import { beyond } from "./walks.ts";

/** The payment; undefined when it does not exist or touches no account that the caller may see. */
export async function readPayment(
  snapshot: ModelsSnapshot,
  caller: Caller,
  id: PaymentId,
): Promise<PaymentView | undefined> {
  const [row] = await select(
    snapshot,
    sql`SELECT ${columns}, payer_account.owner AS payer_owner, payee_account.owner AS payee_owner
      FROM ${table(snapshot, "payments", "p")} ${joins(snapshot)}
      WHERE p.tenant = ${caller.tenant} AND p.number = ${numberOfId(id)}`,
  );
  const payment = row && toPayment(row);
  // Other ids have the same number, but name nothing.
  if (!row || payment?.id !== id) return undefined;
  const owners = [text(row, "payer_owner"), text(row, "payee_owner")];
  return mayRead(caller, { tenant: payment.tenant, owners }) ? payment : undefined;
}

/** The columns of a payment `p` with its accounts and its state. */
const columns = plain(`p.tenant, p.number, p.payer, p.payee, p.amount, p.fee, p.salt, p.at, p.capture, p.expires_at,
  p.reference, p.metadata, payer_account.opened_at AS payer_at, payer_account.salt AS payer_salt,
  payer_account.currency AS payer_currency, payee_account.opened_at AS payee_at, payee_account.salt AS payee_salt,
  s.status AS state_status, s.captured AS state_captured, s.refunded AS state_refunded, s.fee AS state_fee`);

function joins(snapshot: ModelsSnapshot): Sql {
  return sql`LEFT JOIN ${table(snapshot, "paymentStates", "s")} ON s.number = p.number
    LEFT JOIN ${table(snapshot, "accounts", "payer_account")} ON payer_account.number = p.payer
    LEFT JOIN ${table(snapshot, "accounts", "payee_account")} ON payee_account.number = p.payee`;
}

/** A payment, and who is paid by it. */
type PaidPayment = {
  readonly payment: PaymentView;
  readonly payee: Pick<Account, "owner" | "status" | "type">;
};

/** Those of a tenant's payments that these events made. */
export async function readPaymentsAt(
  snapshot: ModelsSnapshot,
  tenant: string,
  positions: readonly Position[],
): Promise<readonly PaidPayment[]> {
  if (positions.length === 0) return [];
  const numbers = joined(
    positions.map((position) => sql`${numberOf(position)}`),
    ", ",
  );
  const rows = await select(
    snapshot,
    sql`SELECT ${columns}, payee_account.owner AS payee_owner, payee_account.status AS payee_status,
      payee_account.type AS payee_type
      FROM ${table(snapshot, "payments", "p")} ${joins(snapshot)}
      WHERE p.tenant = ${tenant} AND p.number IN (${numbers})`,
  );
  return rows.map((row) => ({
    payment: toPayment(row),
    payee: {
      owner: text(row, "payee_owner"),
      status: accountStatusCodes.wordOf(row.payee_status),
      type: accountTypeCodes.wordOf(row.payee_type),
    },
  }));
}

/** One page of the payments that the caller may see: all of the tenant's, or those that touch the caller's accounts. */
export async function listPayments(
  snapshot: ModelsSnapshot,
  caller: Caller,
  filters: PaymentFilters,
  page: IdPage,
): Promise<Listed<PaymentView>> {
  if (filters.account !== undefined) {
    const account = await readAccount(snapshot, caller, filters.account);
    if (!account) return { rows: [], last: null };
  }
  const { tenant } = caller;
  const rowsOf = (numbers: Sql) => sql`SELECT ${columns} FROM (${numbers}) AS page
    LEFT JOIN ${table(snapshot, "payments", "p")} ON p.tenant = ${tenant} AND p.number = page.number ${joins(snapshot)}
    ORDER BY page.number ${way(page.order)}`;
  const shards: ShardRows<PaymentView>[] = [];
  for (const shard of shardsOf(snapshot, filters)) {
    const range = await rangeOfPage(snapshot, shard, page, filters, paymentsByTime(snapshot, tenant));
    const find = async (within: NumberRange): Promise<Found> => {
      const { walks, seen, end } = await walksOf(snapshot, caller, shard, filters, within, page);
      const found = await firstRows(snapshot, walks, seen, page, { rowsOf, decode: toPayment });
      return { rows: found.rows, end: found.end ?? end, goesOn: found.end === undefined };
    };
    shards.push(await fill(find, range, page, snapshot.limits.mergedAccounts));
  }
  return mergePage(shards, page);
}

type Found = ShardRows<PaymentView> & { readonly goesOn: boolean };

/**
 * Merges further accounts of an owner until the page is full. An event is at the head of at most two accounts, so twice
 * as many accounts as the page has rows are enough, unless the events at their heads are not payments.
 */
async function fill(
  find: (range: NumberRange) => Promise<Found>,
  range: NumberRange,
  { limit, order }: IdPage,
  merged: number,
): Promise<ShardRows<PaymentView>> {
  let found = await find(range);
  for (let accounts = merged; accounts < 2 * (limit + 1); accounts += merged) {
    if (!found.end || !found.goesOn || found.rows.length > limit) break;
    const next = await find(beyond(range, found.end.number, order));
    found = { ...next, rows: [...found.rows, ...next.rows] };
  }
  return found;
}

function shardsOf({ positions }: ModelsSnapshot, { account }: PaymentFilters): readonly Shard[] {
  // The payments of an account are in its shard.
  return account === undefined ? positions.map(({ shard }) => shard) : [positionOf(numberOfId(account)).shard];
}

import type { Account } from "../domain/account.ts";
import type { Entry } from "../domain/entries.ts";
import { assert, LedgerError } from "../domain/errors.ts";
import { readId } from "../domain/ids.ts";

/**
 * The tables of a views' file: projection-workers creates and writes them, query-service reads them. A build's have a
 * suffix.
 */
export const viewTables = {
  sessionAccounts: "session_accounts",
  sessionOwners: "session_owners",
  sessionMovements: "session_movements",
  graphEdges: "graph_edges",
  graphMerchants: "graph_merchants",
  graphCaptures: "graph_captures",
  graphShut: "graph_shut",
} as const;

export type ViewRow = Record<string, ViewValue>;
type ViewValue = string | number | bigint | Uint8Array | null;

/** The part of an account that its row keeps as JSON: all but the status and the balances, which have columns. */
export function accountText(account: Account): string {
  const { id, tenant, owner, status: _status, balances: _balances, ...rest } = account;
  const { floor, perTransaction, perDay } = rest.limits;
  const limits = { floor: textOf(floor), perTransaction: textOf(perTransaction), perDay: textOf(perDay) };
  return JSON.stringify({ id, tenant, owner, ...rest, limits });
}

/** @throws row_unreadable */
export function accountOf({ status, posted, held, body }: ViewRow): Account {
  const { limits, ...rest } = parse(body);
  return {
    ...rest,
    status,
    limits: {
      floor: amountOf(limits.floor),
      perTransaction: amountOf(limits.perTransaction),
      perDay: amountOf(limits.perDay),
    },
    balances: { posted, held },
  } as Account;
}

/**
 * A movement as a list, without names and without what its row and its id say already: there are twenty for each owner.
 */
export function movementText(entry: Entry): string {
  return JSON.stringify([
    entry.account,
    textOf(entry.amount),
    textOf(entry.balanceAfter),
    entry.currency,
    entry.type,
    entry.bookedAt,
    entry.effectiveDate,
    entry.counterparty,
    entry.reference,
    entry.source.id,
  ]);
}

/** @throws row_unreadable */
export function movementOf(tenant: string, { id, body }: ViewRow): Entry {
  const [account, amount, balanceAfter, currency, type, bookedAt, effectiveDate, counterparty, reference, source] =
    parse(body);
  const { shard, revision } = readId(String(id));
  return {
    id,
    tenant,
    account,
    amount: BigInt(amount),
    balanceAfter: BigInt(balanceAfter),
    currency,
    type,
    bookedAt,
    effectiveDate,
    counterparty,
    reference,
    source: { kind: type, id: source },
    position: { shard, revision },
  } as Entry;
}

function textOf(amount: bigint | null): string | null {
  return amount === null ? null : amount.toString();
}

function amountOf(stored: string | null): bigint | null {
  return stored === null ? null : BigInt(stored);
}

/** @throws row_unreadable when no projection wrote the row */
function parse(body: ViewValue | undefined) {
  try {
    assert(typeof body === "string", "a body is JSON text");
    return JSON.parse(body);
  } catch (cause) {
    throw new LedgerError("row_unreadable", "session view: a row's body cannot be read", { cause });
  }
}

import { createHash } from "node:crypto";
import type { AccountId, Position } from "ledger-core";
import { eachOf } from "../parallel.ts";
import type { Progress } from "../progress.ts";
import type { BerkaAccounts } from "./berka-accounts.ts";
import type { RowFault } from "./berka-file.ts";
import type { BerkaRow } from "./berka-row.ts";
import type { LedgerClient } from "./client.ts";
import { readEntries } from "./entries.ts";
import { asObject, listOf, textOf } from "./json.ts";

const LANES = 8;
/** The API accepts 4 MiB; this leaves room for the overhead of a proxy. */
const BODY_BYTES_MAX = 3_500_000;

export function referenceOf(row: BerkaRow): string {
  return `berka:${row.id}`;
}

/**
 * The rows that the read model does not show as booked; a row booked with other content is a fault. Saves work, but
 * does not prevent double booking: the row's idempotency key does.
 */
export async function withoutBooked(
  client: LedgerClient,
  rows: readonly BerkaRow[],
  accounts: BerkaAccounts,
  progress: Progress,
): Promise<{ readonly fresh: readonly BerkaRow[]; readonly faults: readonly RowFault[] }> {
  const known = new Map<string, { account: string; text: string }>();
  const returning = [...accounts.customers];
  progress.begin("finding rows", returning.length);
  await eachOf(returning, LANES, async ([account, id]) => {
    for (const entry of await readEntries(client, id, undefined)) {
      if (entry.reference !== null)
        known.set(entry.reference, { account, text: `${entry.amount} ${entry.effectiveDate}` });
    }
    progress.advance(1);
  });
  progress.end();
  const faults: RowFault[] = [];
  const fresh = rows.filter((row) => {
    const booked = known.get(referenceOf(row));
    if (booked === undefined) return true;
    if (booked.account !== row.account || booked.text !== `${row.amount} ${row.date}`) {
      const detail = `trans_id ${row.id} is booked with other content: ${booked.text} on account_id ${booked.account}`;
      faults.push({ file: row.file, line: row.line, detail });
    }
    return false;
  });
  return { fresh, faults };
}

/**
 * Posts rows in order, one bulk after another, so that the rows of an account keep their order. A bulk's key is derived
 * from its content, so a bulk whose answer was lost is resent and never booked twice.
 * @returns the position of the last bulk, and the rows that the ledger refused
 */
export async function postRows(
  client: LedgerClient,
  rows: readonly BerkaRow[],
  accounts: BerkaAccounts,
  batch: number,
  progress: Progress,
): Promise<{ readonly position: Position | undefined; readonly refused: readonly RowFault[] }> {
  const refused: RowFault[] = [];
  let position: Position | undefined;
  progress.begin("posting rows", rows.length);
  for (const part of batches(rows, batch)) {
    const items = part.map((row) => transferOf(row, accounts));
    const digest = createHash("sha256").update(JSON.stringify(items)).digest("hex");
    const reply = await client.post("/v1/bulk", `berka:bulk:${digest}`, { mode: "each", items });
    const results = listOf(reply.body, "results");
    for (const [index, row] of part.entries()) {
      const fault = faultOf(results[index]);
      if (fault !== undefined) refused.push({ file: row.file, line: row.line, detail: fault });
    }
    position = reply.position ?? position;
    progress.advance(part.length);
  }
  progress.end();
  return { position, refused };
}

function* batches(rows: readonly BerkaRow[], size: number): Generator<readonly BerkaRow[]> {
  // Assumes the largest possible item, so that no bulk exceeds the limit of a body.
  const most = Math.min(size, Math.floor(BODY_BYTES_MAX / 700));
  for (let from = 0; from < rows.length; from += most) yield rows.slice(from, from + most);
}

function transferOf(row: BerkaRow, accounts: BerkaAccounts): Record<string, unknown> {
  const customer = accountOf(accounts, row.account);
  const other = accounts.counterparties.get(row.counterparty);
  const amount = row.amount < 0n ? -row.amount : row.amount;
  const leg = row.amount < 0n ? { from: customer, to: other } : { from: other, to: customer };
  return {
    idempotencyKey: referenceOf(row),
    command: "transfer",
    legs: [{ ...leg, amount: amount.toString() }],
    currency: "CZK",
    reference: referenceOf(row),
    effectiveDate: row.date,
    metadata: metadataOf(row),
  };
}

function metadataOf(row: BerkaRow): Record<string, string> {
  return {
    type: row.type,
    ...(row.operation === "" ? {} : { operation: row.operation }),
    ...(row.symbol === "" ? {} : { kSymbol: row.symbol }),
    bankBalance: row.balance.toString(),
  };
}

function accountOf(accounts: BerkaAccounts, account: string): AccountId {
  const id = accounts.customers.get(account);
  if (id === undefined) throw new Error(`no account was opened for account_id ${account}`);
  return id;
}

/** Why a row was not booked; undefined if it was, now or before. */
function faultOf(result: unknown): string | undefined {
  const { status, problem } = asObject(result);
  if (status === 201) return undefined;
  return `refused: ${textOf(problem, "code") ?? String(status)}: ${textOf(problem, "detail") ?? "no detail"}`;
}

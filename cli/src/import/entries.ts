import { type AccountId, type Amount, formatPosition, type Position } from "ledger-core";
import type { LedgerClient } from "./client.ts";
import { listOf, requireAmount, requireText, textOf } from "./json.ts";

/** One movement of an account, as the query-service returns it. */
export type BookedEntry = {
  readonly reference: string | null;
  readonly amount: Amount;
  readonly balanceAfter: Amount;
  readonly effectiveDate: string;
};

const PAGE = 200;

/** All entries of an account in booking order, at `atLeast` or later. */
export async function readEntries(
  client: LedgerClient,
  account: AccountId,
  atLeast: Position | undefined,
): Promise<readonly BookedEntry[]> {
  const entries: BookedEntry[] = [];
  for await (const page of pages(client, `/v1/accounts/${account}/entries?order=asc`, atLeast)) {
    for (const item of page.items) {
      entries.push({
        reference: textOf(item, "reference") ?? null,
        amount: requireAmount(item, "amount"),
        balanceAfter: requireAmount(item, "balanceAfter"),
        effectiveDate: requireText(item, "effectiveDate"),
      });
    }
  }
  return entries;
}

/** Yields a list page by page, each with the position it was served at. `path` must have a query. */
export async function* pages(
  client: LedgerClient,
  path: string,
  atLeast: Position | undefined,
): AsyncGenerator<{ items: readonly unknown[]; position: string }> {
  let cursor: string | undefined;
  do {
    const at = cursor === undefined ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const reply = await client.get(`${path}&limit=${PAGE}${at}`, atLeast);
    yield { items: listOf(reply.body, "data"), position: reply.position ? formatPosition(reply.position) : "" };
    cursor = textOf(reply.body, "nextCursor");
  } while (cursor !== undefined);
}

import type { Progress } from "../progress.ts";
import { findAccounts, openMissing } from "./berka-accounts.ts";
import { compareRows, emptyComparison } from "./berka-check.ts";
import { checkAnyRows, checkKnownRows, knownRows } from "./berka-facts.ts";
import { type RowFault, readBerkaFiles } from "./berka-file.ts";
import { postRows, withoutBooked } from "./berka-post.ts";
import type { LedgerClient } from "./client.ts";
import { sumLedger } from "./ledger-sums.ts";
import type { ImportReport } from "./report.ts";

export type ImportOptions = { readonly files: readonly string[]; readonly batch: number };

/**
 * `broken`: the files are malformed, and nothing was posted. `refused`: the ledger refused some rows; the others are
 * booked.
 */
export type ImportOutcome =
  | { readonly kind: "done"; readonly report: ImportReport }
  | { readonly kind: "broken" | "refused"; readonly faults: readonly RowFault[] };

/**
 * Imports the bank's rows into a running ledger and compares the ledger with the bank's own figures. Reads and checks
 * all files, finds the accounts, skips rows that are booked, opens missing accounts, posts, and reads everything back.
 * Changes nothing before the first account is opened. May be interrupted and rerun at any time: accounts are found by
 * owner and rows by key, so the result is the same.
 */
export async function importBerka(
  client: LedgerClient,
  options: ImportOptions,
  progress: Progress,
): Promise<ImportOutcome> {
  const startMs = performance.now();
  const input = await readBerkaFiles(options.files);
  if (input.faults.length > 0) return { kind: "broken", faults: input.faults };
  const before = (await client.get("/v1/accounts?limit=1")).position;
  const found = await findAccounts(client, input.rows, progress);
  const { fresh, faults } = await withoutBooked(client, input.rows, found, progress);
  if (faults.length > 0) return { kind: "broken", faults };
  const { accounts, opened, position: openedAt } = await openMissing(client, input.rows, found, progress);
  const postingStartMs = performance.now();
  const { position, refused } = await postRows(client, fresh, accounts, options.batch, progress);
  const postingMs = performance.now() - postingStartMs;
  if (refused.length > 0) return { kind: "refused", faults: refused };
  const atLeast = position ?? openedAt;
  const known = knownRows(input);
  const parts = known.map(({ rows }) => rows);
  const [comparison, ...compared] = await compareRows(client, input.rows, parts, accounts, atLeast, progress);
  const sums = await sumLedger(client, accounts, atLeast);
  const after = (await client.get("/v1/accounts?limit=1", atLeast)).position;
  const report: ImportReport = {
    files: options.files,
    input,
    posted: fresh.length,
    accountsOpened: opened,
    eventsAdded: before && after ? after.revision - before.revision : undefined,
    postingMs,
    totalMs: performance.now() - startMs,
    comparison,
    sums,
    knownAs: known.length === 0 ? undefined : known.map(({ facts }) => facts.name).join(", "),
    checks: [
      ...checkAnyRows(input.rows, comparison, sums),
      ...known.flatMap(({ facts }, index) => checkKnownRows(facts, compared[index] ?? emptyComparison())),
    ],
  };
  return { kind: "done", report };
}

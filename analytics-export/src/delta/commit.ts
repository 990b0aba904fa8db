import { LedgerError } from "ledger-core";
import type { Lake } from "../ports/lake.ts";
import { type Action, commitPath, encodeCommit } from "./actions.ts";
import { type LogState, readOn } from "./log.ts";

/** How often a commit yields to others' before it gives up for now. */
const CONFLICTS_MAX = 1000;

export type Commit = {
  /** Its name in the table's history. */
  readonly operation: string;
  readonly nowMs: number;
  readonly actions: readonly Action[];
  /** Throws if a commit of another writer, which is in the state by then, has made this one wrong. */
  readonly stillFits: () => void;
};

/**
 * Adds a commit after the state, which then holds it. If its place is taken, the commits of others come first.
 * @returns whether it was made; false if another writer has made a table that this one would have made
 * @throws LedgerError store_unavailable: it may or may not have been made
 */
export async function commitTo(
  lake: Lake,
  table: string,
  state: LogState,
  { operation, nowMs, actions, stillFits }: Commit,
): Promise<boolean> {
  for (let attempt = 0; attempt < CONFLICTS_MAX; attempt++) {
    const bytes = encodeCommit(operation, nowMs, actions);
    const created = await lake.create(commitPath(table, state.version + 1), bytes);
    const before = state.snapshot.metaData;
    await readOn(lake, table, state);
    if (created) return true;
    if (before === undefined) return false;
    if (state.snapshot.metaData !== before)
      throw new LedgerError("store_unavailable", `table ${table} was changed: it is looked at again`);
    stillFits();
  }
  throw new LedgerError("store_unavailable", `others write to table ${table} without a pause; it is tried again`);
}

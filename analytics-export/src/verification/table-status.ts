import type { Revision, Shard } from "ledger-core";
import { type LogState, readLog } from "../delta/log.ts";
import type { Lake } from "../ports/lake.ts";

/** A table as its own log tells. */
export type TableStatus = {
  readonly table: string;
  /** The version of its last commit; -1 if there is none. */
  readonly version: number;
  /** Data files that hold its rows, and their size. */
  readonly files: number;
  readonly bytes: number;
  /** The last revision that it holds, by shard. */
  readonly positions: readonly { readonly shard: Shard; readonly revision: Revision }[];
};

/** @throws LedgerError store_unavailable, store_damaged */
export async function tableStatus(lake: Lake, table: string): Promise<TableStatus> {
  const { version, snapshot } = await readLog(lake, table, { files: true });
  const sizes = Array.from(snapshot.adds.values(), ({ size }) => size);
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  return { table, version, files: sizes.length, bytes, positions: positionsOf(snapshot, table) };
}

function positionsOf({ txns }: LogState["snapshot"], table: string): TableStatus["positions"] {
  const prefix = `payledger/${table}/`;
  return Array.from(txns, ([appId, revision]) => ({ appId, revision }))
    .filter(({ appId }) => appId.startsWith(prefix))
    .map(({ appId, revision }) => ({ shard: Number(appId.slice(prefix.length)), revision }))
    .sort((a, b) => a.shard - b.shard);
}

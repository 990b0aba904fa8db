import { assert, LedgerError } from "ledger-core";
import type { Lake } from "../ports/lake.ts";
import type { Action, Add } from "./actions.ts";
import type { TableShape } from "./columns.ts";
import { commitTo } from "./commit.ts";
import { type CompactionTuning, mergeable } from "./compaction.ts";
import { type LogState, readLog, writeCheckpoint } from "./log.ts";
import { mergedFile } from "./merged-file.ts";

export type MaintenanceTuning = {
  readonly compaction: CompactionTuning;
  /** How long files stay after others took their place, for those who still read them, in ms. 0 to a year. A day. */
  readonly keepRemovedMs: number;
};

export const maintenanceTuning: MaintenanceTuning = {
  compaction: { targetBytes: 64 * 2 ** 20, filesMin: 8 },
  keepRemovedMs: 86_400_000,
};

export type Maintenance = {
  readonly lake: Lake;
  readonly shape: TableShape;
  /** A name that no other file of the lake has. */
  readonly uniqueName: () => string;
  readonly nowMs: () => number;
  readonly tuning: MaintenanceTuning;
};

/** Merges small files, removes those that were replaced long ago, and writes a checkpoint. @returns its version */
export async function maintain(options: Maintenance): Promise<number> {
  const { lake, shape, tuning } = options;
  const state = await readLog(lake, shape.name, { files: true });
  for (const group of mergeable(state.snapshot.adds.values(), tuning.compaction)) await merge(options, state, group);
  await removeExpired(options, state);
  await writeCheckpoint(lake, shape.name, state);
  return state.version;
}

/** Replaces files by one with their rows; the table's rows stay the same, and so does each shard's position. */
async function merge(options: Maintenance, state: LogState, group: readonly Add[]): Promise<void> {
  const { lake, shape, nowMs } = options;
  const { path, pieces, entry } = mergedFile({ ...options, ...options.tuning.compaction }, group);
  assert(await lake.create(`${shape.name}/${path}`, pieces()), `${path} is a name of its own`);
  const removes = group.map(({ path: replaced, partitionValues, size }): Action => {
    const values = { partitionValues, size, extendedFileMetadata: true };
    return { remove: { path: replaced, deletionTimestamp: nowMs(), dataChange: false, ...values } };
  });
  const stillFits = () => {
    if (group.every(({ path: replaced }) => state.snapshot.adds.has(replaced))) return;
    throw new LedgerError("store_unavailable", `others have merged files of ${shape.name}; it is looked at again`);
  };
  const actions = [...removes, { add: entry() }];
  await commitTo(lake, shape.name, state, { operation: "OPTIMIZE", nowMs: nowMs(), actions, stillFits });
}

/** A name that this exporter gives: no other file is ever removed. */
const ownName = /^\w+=[\d-]+\/[\w-]+\.zstd\.parquet$/;

/** Removes files that no reader may need any more, and forgets them. */
async function removeExpired({ lake, shape, nowMs, tuning }: Maintenance, { snapshot }: LogState): Promise<void> {
  for (const { path, deletionTimestamp } of snapshot.removes.values()) {
    if (deletionTimestamp > nowMs() - tuning.keepRemovedMs || !ownName.test(path)) continue;
    await lake.remove(`${shape.name}/${decodeURIComponent(path)}`);
    snapshot.removes.delete(path);
  }
}

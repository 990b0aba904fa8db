import { LedgerError } from "ledger-core";
import type { Lake } from "../ports/lake.ts";
import { commitPath, decodeCommit, logFolder, paddedVersion, versionOf } from "./actions.ts";
import {
  checkpointName,
  checkpointVersion,
  decodeCheckpoint,
  emptyState,
  encodeCheckpoint,
  playActions,
  type TableState,
} from "./checkpoint.ts";

/** A table's log up to a version; -1 before its first commit. */
export type LogState = {
  version: number;
  readonly snapshot: TableState;
  /** The version of the checkpoint that it was read from; -1 if there was none. */
  readonly checkpoint: number;
};

type ReadOptions = {
  /** Whether the files that hold the rows are needed; a start needs only what the table is and how far it reaches. */
  readonly files: boolean;
};

function pointerPath(table: string): string {
  return `${logFolder(table)}/_last_checkpoint`;
}

/**
 * Reads a table's log: the newest checkpoint and the commits after it.
 * @throws LedgerError store_damaged when a commit is missing or unreadable
 */
export async function readLog(lake: Lake, table: string, options: ReadOptions): Promise<LogState> {
  const hint = (await readPointer(lake, table)) ?? (await newestCheckpoint(lake, table));
  const checkpoint = hint === undefined ? undefined : await readCheckpoint(lake, table, hint, options);
  const version = checkpoint === undefined || hint === undefined ? -1 : hint;
  const state = { version, snapshot: checkpoint ?? emptyState(), checkpoint: version };
  await readOn(lake, table, state);
  return state;
}

/** Plays the commits after a state's version over it, one after another until there is no next one. */
export async function readOn(lake: Lake, table: string, state: LogState): Promise<void> {
  while (true) {
    const path = commitPath(table, state.version + 1);
    const bytes = await lake.read(path);
    if (!bytes) break;
    playActions(state.snapshot, decodeCommit(path, bytes));
    state.version += 1;
  }
}

/**
 * The commits that the log should have and has not; none for a log without gaps. Reading stops at a gap, so that what
 * comes after it is not seen: `to` is the newest commit in the folder.
 */
export async function missingCommits(lake: Lake, table: string): Promise<{ missing: readonly number[]; to: number }> {
  const names = await lake.names(logFolder(table), "");
  const versions = new Set(names.map(versionOf).filter((version) => version !== undefined));
  const to = Math.max(-1, ...versions);
  const missing = Array.from({ length: to + 1 }, (_, version) => version).filter((version) => !versions.has(version));
  return { missing, to };
}

/** Writes a state, read with its files, as the checkpoint of its version, then the pointer to it. */
export async function writeCheckpoint(lake: Lake, table: string, { version, snapshot }: LogState): Promise<void> {
  const { bytes, rows } = encodeCheckpoint(snapshot);
  await lake.create(`${logFolder(table)}/${checkpointName(version)}`, bytes);
  await lake.remove(pointerPath(table));
  await lake.create(pointerPath(table), new TextEncoder().encode(JSON.stringify({ version, size: rows })));
}

/** The version that the pointer names; undefined without a pointer, or when it cannot be read: it is only a hint. */
async function readPointer(lake: Lake, table: string): Promise<number | undefined> {
  const bytes = await lake.read(pointerPath(table));
  if (!bytes) return undefined;
  const match = /"version"\s*:\s*(\d{1,15})\b/.exec(new TextDecoder().decode(bytes));
  return match ? Number(match[1]) : undefined;
}

async function newestCheckpoint(lake: Lake, table: string): Promise<number | undefined> {
  const names = await lake.names(logFolder(table), "");
  return names
    .map(checkpointVersion)
    .filter((version) => version !== undefined)
    .at(-1);
}

async function readCheckpoint(
  lake: Lake,
  table: string,
  version: number,
  { files }: ReadOptions,
): Promise<TableState | undefined> {
  const path = `${logFolder(table)}/${checkpointName(version)}`;
  const bytes = await lake.read(path);
  if (!bytes) return undefined;
  const snapshot = await decodeCheckpoint(path, bytes, [
    ...(["txn", "metaData", "protocol"] as const),
    ...(files ? (["add", "remove"] as const) : []),
  ]);
  if (!snapshot.metaData || !snapshot.protocol)
    throw new LedgerError(
      "store_damaged",
      `checkpoint ${paddedVersion(version)} of ${table} does not say what the table is`,
    );
  return snapshot;
}

import {
  constants,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { formatPosition, isLedgerError, LedgerError, NO_REVISION } from "ledger-core";
import { openSqliteLogReader } from "ledger-core/event-log";
import { openRevocationFile } from "ledger-core/revocations";
import { sync, writeDurably } from "./durable-files.ts";
import { makeLeafTree } from "./leaf-tree.ts";
import {
  BackupFault,
  type BackupManifest,
  digestOf,
  EVENTS,
  KEPT_FILES,
  REVOCATIONS,
  readManifest,
  type ShardDigest,
} from "./manifest.ts";

type OnEvents = (events: number) => void;

/**
 * Reads the whole backup and changes nothing: every event against its leaf, the tree of leaves and all other files
 * against the manifest.
 * @throws BackupFault that names the place of the first fault
 */
export async function checkBackup(folder: string, onEvents: OnEvents = () => undefined): Promise<BackupManifest> {
  const manifest = readManifest(folder);
  for (const name of [...KEPT_FILES, REVOCATIONS]) readChecked(folder, name, manifest);
  for (const digest of manifest.shards) await checkShard(join(folder, EVENTS), digest, onEvents);
  return manifest;
}

/**
 * Makes a data folder from a backup. The copy is complete, checked and on disk before it gets its name; decision state
 * and read models are built at the next start.
 * @param to a folder that does not exist, or is empty
 * @throws BackupFault as `checkBackup` · LedgerError config: `to` is in use
 */
export async function restoreBackup(
  folder: string,
  to: string,
  onEvents: OnEvents = () => undefined,
): Promise<BackupManifest> {
  const manifest = readManifest(folder);
  const target = resolve(to);
  refuseUsed(target);
  mkdirSync(dirname(target), { recursive: true });
  const draft = mkdtempSync(`${target}.restoring-`);
  try {
    mkdirSync(join(draft, "keys"), { mode: 0o700 });
    for (const name of KEPT_FILES) writeDurably(join(draft, name), readChecked(folder, name, manifest));
    copyLog(join(folder, EVENTS), join(draft, EVENTS));
    for (const digest of manifest.shards) await checkShard(join(draft, EVENTS), digest, onEvents);
    await restoreRevocations(draft, readChecked(folder, REVOCATIONS, manifest));
    sync(join(draft, "keys"));
    sync(draft);
    renameSync(draft, target);
    sync(dirname(target));
    return manifest;
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    // Somebody put something there meanwhile.
    if (error instanceof Error && "code" in error && error.code === "ENOTEMPTY") refuseUsed(target);
    throw error;
  }
}

function refuseUsed(target: string): void {
  let names: readonly string[];
  try {
    names = readdirSync(target);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return;
    throw error;
  }
  if (names.length === 0) return;
  const detail = `${target} is not empty: a backup is restored to a new folder, and never over another`;
  throw new LedgerError("config", detail);
}

function readChecked(folder: string, name: string, { files }: BackupManifest): Uint8Array {
  const path = join(folder, name);
  let content: Uint8Array;
  try {
    content = readFileSync(path);
  } catch (cause) {
    throw new BackupFault(path, "it cannot be read", cause);
  }
  if (digestOf(content).sha256 !== files[name]?.sha256) {
    throw new BackupFault(path, "its bytes do not match the digest in backup.json");
  }
  return content;
}

function copyLog(from: string, to: string): void {
  try {
    copyFileSync(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  } catch (cause) {
    throw new BackupFault(from, `it cannot be copied (${cause instanceof Error ? cause.message : cause})`, cause);
  }
  sync(to);
}

/** Reads a shard of a log's file and compares it with its digest. */
async function checkShard(file: string, { shard, head, root }: ShardDigest, onEvents: OnEvents): Promise<void> {
  const tree = makeLeafTree();
  const log = openSqliteLogReader({ file, immutable: true });
  try {
    const found = await log.head(shard);
    const at = formatPosition({ shard, revision: Math.min(found, head) + 1 });
    if (found !== head) {
      const ends = found === NO_REVISION ? "is empty" : `ends at ${formatPosition({ shard, revision: found })}`;
      throw new BackupFault(`${file}, ${at}`, `shard ${shard} ${ends}, and should end at ${shard}:${head}`);
    }
    if (head === NO_REVISION) return;
    for await (const events of log.read(shard, 0, { limit: head + 1 })) {
      for (const { leaf } of events) tree.add(leaf);
      onEvents(events.length);
    }
  } catch (error) {
    if (!isLedgerError(error)) throw error;
    throw new BackupFault(error.position ? `${file}, ${formatPosition(error.position)}` : file, error.message, error);
  } finally {
    await log.close();
  }
  if (tree.root() === root) return;
  const detail = `the tree of the leaves of shard ${shard} is not that of backup.json: events were exchanged`;
  throw new BackupFault(file, detail);
}

async function restoreRevocations(draft: string, content: Uint8Array): Promise<void> {
  const lines = Buffer.from(content).toString().split("\n").filter(Boolean);
  if (lines.length === 0) return;
  const store = openRevocationFile({ file: join(draft, "revocations.sqlite"), writes: true });
  try {
    for (const line of lines) await store.add(JSON.parse(line));
  } finally {
    await store.close();
  }
}

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statfsSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { LedgerError, NO_REVISION, type Shard } from "ledger-core";
import { type EventLog, type EventSource, openSqliteLog } from "ledger-core/event-log";
import { dataPaths } from "ledger-core/process/data-paths";
import { openRevocationFile } from "ledger-core/revocations";
import { sync, writeDurably } from "./durable-files.ts";
import { makeLeafTree } from "./leaf-tree.ts";
import {
  type BackupManifest,
  digestOf,
  EVENTS,
  type FileDigest,
  formatManifest,
  KEPT_FILES,
  MANIFEST,
  REVOCATIONS,
  type ShardDigest,
} from "./manifest.ts";

/** Copied so far, and what there is to copy. */
export type BackupProgress = { readonly events: number; readonly total: number };

export type BackupOptions = {
  /** The data folder, whose ledger may be running. */
  readonly dataDir: string;
  /** Its log. */
  readonly log: EventSource;
  readonly shards: number;
  /** A new or empty folder outside the data folder. */
  readonly to: string;
  readonly onProgress?: (progress: BackupProgress) => void;
  /** Gives the backup up. */
  readonly signal?: AbortSignal;
  /** The most pages of the copied log, to simulate a full disk. Default unbounded. */
  readonly maxPages?: number;
};

/** Room for the files beside the log, and for SQLite's write-ahead log of the copy. */
const MARGIN_BYTES = 16 * 1024 * 1024;

/**
 * Copies everything that cannot be derived: the log up to its head at the call, keys, and revoked tokens. The log only
 * grows, so its copy up to a revision is consistent whatever is written meanwhile; each event is checked against its
 * leaf when read, and the leaf is computed anew when written. Revocations come after the log: none that was
 * acknowledged before the call is missing. The manifest comes last.
 * @throws LedgerError config: the folder cannot be used
 * @throws LedgerError log_corrupt: the ledger itself is damaged
 * @throws LedgerError log_unavailable, store_unavailable: a disk is full or fails; what was written is removed then
 */
export async function writeBackup(options: BackupOptions): Promise<BackupManifest> {
  const { dataDir, to } = options;
  claimFolder(dataDir, to);
  try {
    return await fill(options);
  } catch (error) {
    // Half a backup may be what fills the disk that the ledger needs.
    for (const name of readdirSync(to)) rmSync(join(to, name), { recursive: true, force: true });
    throw translate(error, to);
  }
}

async function fill({ dataDir, log, shards, to, maxPages, ...following }: BackupOptions): Promise<BackupManifest> {
  checkRoom(dataDir, to);
  const created = new Date().toISOString();
  const heads = new Map<Shard, number>();
  for (let shard = 0; shard < shards; shard++) heads.set(shard, await log.head(shard));
  mkdirSync(join(to, "keys"), { mode: 0o700 });
  const files: Record<string, FileDigest> = {};
  for (const name of KEPT_FILES) files[name] = keep(join(to, name), readFileSync(join(dataDir, name)));
  const copy = await openSqliteLog({ file: join(to, EVENTS), maxPages });
  let digests: readonly ShardDigest[];
  try {
    digests = await copyShards(log, copy, heads, following);
  } finally {
    await copy.close();
  }
  // SQLite keeps its write-ahead log, and says nothing, if the disk was too full to empty it.
  if (existsSync(join(to, `${EVENTS}-wal`))) throw new LedgerError("store_unavailable", `the disk of ${to} is full`);
  sync(join(to, EVENTS));
  files[REVOCATIONS] = keep(join(to, REVOCATIONS), await readRevocations(dataDir));
  const manifest = { created, shards: digests, files };
  sync(join(to, "keys"));
  writeDurably(join(to, `${MANIFEST}.new`), formatManifest(manifest));
  renameSync(join(to, `${MANIFEST}.new`), join(to, MANIFEST));
  sync(to);
  return manifest;
}

function claimFolder(dataDir: string, to: string): void {
  const refuse = (why: string) => new LedgerError("config", `a backup cannot be written to ${to}: ${why}`);
  if (!relative(resolve(dataDir), resolve(to)).startsWith("..")) throw refuse("it is in the data folder");
  try {
    mkdirSync(to, { recursive: true, mode: 0o700 });
    if (readdirSync(to).length > 0) throw refuse("it is not empty; name a new folder");
  } catch (error) {
    throw translate(error, to);
  }
}

function checkRoom(dataDir: string, to: string): void {
  const { events } = dataPaths(dataDir);
  const needed = MARGIN_BYTES + sizeOf(events) + sizeOf(`${events}-wal`);
  const { bavail, bsize } = statfsSync(to);
  if (bavail * bsize >= needed) return;
  const mib = (bytes: number) => `${Math.ceil(bytes / 1024 / 1024)} MiB`;
  const detail = `the backup needs about ${mib(needed)} in ${to}, and ${mib(bavail * bsize)} are free`;
  throw new LedgerError("store_unavailable", detail, { retryable: true });
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function keep(path: string, content: Uint8Array): FileDigest {
  writeDurably(path, content);
  return digestOf(content);
}

async function copyShards(
  log: EventSource,
  copy: EventLog,
  heads: ReadonlyMap<Shard, number>,
  { onProgress, signal }: Pick<BackupOptions, "onProgress" | "signal">,
): Promise<readonly ShardDigest[]> {
  const total = [...heads.values()].reduce((sum, head) => sum + head + 1, 0);
  const digests: ShardDigest[] = [];
  let copied = 0;
  for (const [shard, head] of heads) {
    const tree = makeLeafTree();
    let last = NO_REVISION;
    if (head > NO_REVISION) {
      for await (const events of log.read(shard, 0, { limit: head + 1 })) {
        signal?.throwIfAborted();
        last = await copy.append(shard, last, events);
        for (const { leaf } of events) tree.add(leaf);
        copied += events.length;
        onProgress?.({ events: copied, total });
      }
    }
    digests.push({ shard, head: last, root: tree.root() });
  }
  return digests;
}

/** One line of JSON per revoked token or session. */
async function readRevocations(dataDir: string): Promise<Uint8Array> {
  const { revocations: file } = dataPaths(dataDir);
  if (!existsSync(file)) return Buffer.alloc(0);
  const store = openRevocationFile({ file, writes: false });
  try {
    const lines: string[] = [];
    for (let page = await store.read(undefined); ; page = await store.read(page.cursor)) {
      lines.push(...page.revocations.map((revocation) => `${JSON.stringify(revocation)}\n`));
      if (!page.more) return Buffer.from(lines.join(""));
    }
  } finally {
    await store.close();
  }
}

/** An operating system's error becomes an operating error that names the folder. */
function translate(error: unknown, to: string): unknown {
  if (!(error instanceof Error && "syscall" in error && "code" in error)) return error;
  const why = error.code === "ENOSPC" ? `the disk of ${dirname(to)} is full` : error.message;
  return new LedgerError("store_unavailable", `the backup cannot be written: ${why}`, {
    cause: error,
    retryable: true,
  });
}

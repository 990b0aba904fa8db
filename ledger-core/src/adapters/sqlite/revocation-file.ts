import { randomUUID } from "node:crypto";
import { statSync } from "node:fs";
import { DatabaseSync, type SQLOutputValue } from "node:sqlite";
import { LedgerError } from "../../domain/errors.ts";
import type { Revocation, RevocationStore } from "../../ports/revocations.ts";

type RevocationFileOptions = {
  readonly file: string;
  /** Makes the file if there is none. A reader without a file finds no revocations until the writer makes one. */
  readonly writes: boolean;
  /** The most revocations in a page. 1 to 100,000. Default 5,000. */
  readonly pageMax?: number;
};

const FORMAT = 1;
/** How long a statement waits for another process's lock. */
const BUSY_MS = 1000;
const NO_FILE = { generation: "", sequence: 0 };

/**
 * No write-ahead log: a reader in another process then needs only the file, and the file may be replaced under it.
 * `EXTRA` syncs the folder too, so that an acknowledged revocation survives a power cut.
 */
const layout = `
  PRAGMA journal_mode = DELETE;
  PRAGMA synchronous = EXTRA;
  CREATE TABLE IF NOT EXISTS generation (id TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS revocations (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    revoked_at INTEGER NOT NULL,
    until INTEGER NOT NULL,
    UNIQUE (tenant, id)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS revocations_until ON revocations (until);
`;

type OpenFile = { readonly database: DatabaseSync; readonly inode: number; readonly generation: string };

/**
 * Keeps revocations in a file of the data folder: one process writes it, others on the machine may read it. It cannot
 * be rebuilt, so every change is on disk before it is acknowledged. Opens the file at the first call, and again when it
 * was replaced.
 */
export function openRevocationFile({ file, writes, pageMax = 5000 }: RevocationFileOptions): RevocationStore {
  let open: OpenFile | undefined;

  function current(): OpenFile | undefined {
    const inode = inodeOf(file);
    if (open !== undefined && open.inode === inode) return open;
    open?.database.close();
    open = undefined;
    if (inode === undefined && !writes) return undefined;
    open = openDatabase(file, writes);
    return open;
  }

  function within<T>(work: () => T): T {
    try {
      return work();
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new LedgerError("revocations_unavailable", `${file}: ${why}`, { retryable: true, cause });
    }
  }

  function writable(): DatabaseSync {
    const database = writes ? current()?.database : undefined;
    if (database === undefined) throw new Error("this process only reads it");
    return database;
  }

  return {
    add: async (revocation) => within(() => addRow(writable(), revocation)),
    read: async (after) =>
      within(() => {
        const opened = current();
        if (opened === undefined) return { revocations: [], cursor: NO_FILE, more: false };
        const { database, generation } = opened;
        const from = after?.generation === generation ? after.sequence : 0;
        const rows = database
          .prepare("SELECT * FROM revocations WHERE sequence > ? ORDER BY sequence LIMIT ?")
          .all(from, pageMax);
        const sequence = Number(rows.at(-1)?.sequence ?? from);
        return { revocations: rows.map(rowOf), cursor: { generation, sequence }, more: rows.length === pageMax };
      }),
    dropExpired: async (before) =>
      within(() => {
        const database = writable();
        database.prepare("DELETE FROM revocations WHERE until < ?").run(before);
        return Number(database.prepare("SELECT COUNT(*) AS count FROM revocations").get()?.count);
      }),
    async close() {
      open?.database.close();
      open = undefined;
    },
  };
}

function inodeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.ino;
}

function openDatabase(file: string, writes: boolean): OpenFile {
  const database = new DatabaseSync(file, { timeout: BUSY_MS });
  try {
    const format = Number(database.prepare("PRAGMA user_version").get()?.user_version);
    if (format > FORMAT) throw new Error(`has format ${format}; this version knows ${FORMAT}`);
    if (writes) {
      database.exec(layout);
      database.exec(`PRAGMA user_version = ${FORMAT}`);
      database.prepare("INSERT INTO generation SELECT ? WHERE NOT EXISTS (SELECT 1 FROM generation)").run(randomUUID());
    }
    const generation = String(database.prepare("SELECT id FROM generation").get()?.id);
    return { database, inode: inodeOf(file) ?? 0, generation };
  } catch (error) {
    database.close();
    throw error;
  }
}

/** A longer `until` takes a new place in the sequence, so that readers see it. */
function addRow(database: DatabaseSync, revocation: Revocation): Revocation {
  const { tenant, id } = revocation;
  database.exec("BEGIN IMMEDIATE");
  try {
    const found = database.prepare("SELECT * FROM revocations WHERE tenant = ? AND id = ?").get(tenant, id);
    const known = found === undefined ? undefined : rowOf(found);
    const revokedAt = Math.min(known?.revokedAt ?? revocation.revokedAt, revocation.revokedAt);
    const until = Math.max(known?.until ?? 0, revocation.until);
    if (known?.revokedAt !== revokedAt || known.until !== until)
      database
        .prepare("INSERT OR REPLACE INTO revocations (tenant, id, revoked_at, until) VALUES (?, ?, ?, ?)")
        .run(tenant, id, revokedAt, until);
    database.exec("COMMIT");
    return { tenant, id, revokedAt, until };
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

function rowOf(row: Record<string, SQLOutputValue>): Revocation {
  const { tenant, id, revoked_at: revokedAt, until } = row;
  return { tenant: String(tenant), id: String(id), revokedAt: Number(revokedAt), until: Number(until) };
}

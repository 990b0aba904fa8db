import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { type EventId, LedgerError, type Micros, type PaymentId, type Revision } from "ledger-core";
import { type AccountTables, accountTablesSchema, openAccountTables } from "./account-tables.ts";
import type { DueHold, DueIndex } from "./due-holds.ts";
import { makeHousekeeping } from "./housekeeping.ts";
import { type KeyRuns, keyRunsSchema, openKeyRuns } from "./key-runs.ts";
import { HASH_KEY_BYTES } from "./keys/key-hasher.ts";

/** Goes up when the same log gives another state file: a file of another version is thrown away and built again. */
const STATE_VERSION = 4;
/** Their standings fill a page of 8 KiB. */
const ACCOUNTS_PER_PAGE = 250;
/** 256 MiB. */
const WAL_PAGES_MAX = 32_768;
const APPLICATION_ID = 0x504c5354;

const schema = `
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${STATE_VERSION};
  CREATE TABLE stand (one INTEGER PRIMARY KEY CHECK (one = 1), revision INTEGER NOT NULL, event TEXT, at INTEGER NOT NULL,
    epoch INTEGER NOT NULL) STRICT;
  INSERT INTO stand VALUES (1, -1, NULL, 0, 0);
  CREATE TABLE layout (one INTEGER PRIMARY KEY CHECK (one = 1), accounts_per_page INTEGER NOT NULL) STRICT;
  CREATE TABLE key_hash (one INTEGER PRIMARY KEY CHECK (one = 1), key BLOB NOT NULL) STRICT;
  ${accountTablesSchema}
  CREATE TABLE payments (id TEXT PRIMARY KEY, revision INTEGER NOT NULL, tenant TEXT, expires_at INTEGER,
    CHECK ((tenant IS NULL) = (expires_at IS NULL))) STRICT, WITHOUT ROWID;
  CREATE INDEX open_holds ON payments (expires_at, tenant) WHERE expires_at IS NOT NULL;
  CREATE INDEX open_holds_of_tenant ON payments (tenant, expires_at) WHERE expires_at IS NOT NULL;
  ${keyRunsSchema}
`;

/** Where the file stands: the revision it holds, the id of that event, its time, and the writer's epoch. */
export type Stand = {
  readonly revision: Revision;
  readonly event: EventId | null;
  readonly at: Micros;
  readonly epoch: number;
};

/**
 * The decision state on local disk: a projection of one shard's log that may be deleted at any time. Not fsync'd at each
 * flush (synchronous=NORMAL in WAL is safe against corruption): after a crash it is merely older, and the log is replayed from there.
 */
export type StateFile = {
  readonly keys: KeyRuns;
  /** What idempotency keys are hashed under: drawn when the file is made, and known to nobody else. */
  readonly hashKey: Uint8Array;
  readonly accountTables: AccountTables;
  readonly accountsPerPage: number;
  stand(): Stand;
  /** The revision of the last event of a payment that has more than one event or holds money; undefined for all others. */
  paymentRevision(id: PaymentId): Revision | undefined;
  readonly dueHolds: DueIndex;
  begin(): void;
  /** `hold`: whose it is and when it ends; null for a payment that holds nothing. */
  putPayment(id: PaymentId, revision: Revision, hold: Omit<DueHold, "id"> | null): void;
  commit(stand: Stand): void;
  rollback(): void;
  close(): void;
};

/** Opens the state file, building an empty one where there is none, or where what is there cannot be used. */
export function openStateFile(file: string, onDiscarded: (why: string) => void): StateFile {
  try {
    return useStateFile(file);
  } catch (error) {
    onDiscarded(error instanceof Error ? error.message : String(error));
    discardStateFile(file);
    return useStateFile(file);
  }
}

export function discardStateFile(file: string): void {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(file + suffix, { force: true });
}

function useStateFile(file: string): StateFile {
  const db = new DatabaseSync(file);
  const state = stateFileOn(db);
  // Only what the other thread has not come to: the bound of the write-ahead log, should that thread fail.
  db.exec(`PRAGMA wal_autocheckpoint = ${WAL_PAGES_MAX}`);
  const housekeeping = makeHousekeeping(file);
  return {
    ...state,
    commit(stand) {
      state.commit(stand);
      housekeeping.committed(state.keys.soon());
    },
    close() {
      housekeeping.close();
      state.close();
    },
  };
}

/**
 * The decision state in an open database; an empty one gets its tables. A database that cannot be used is closed.
 * @param accountsPerPage of a new file; one that is there keeps its own
 * @param newHashKey of a new file
 * @throws incompatible when it holds something else, or another version
 */
export function stateFileOn(
  db: DatabaseSync,
  accountsPerPage = ACCOUNTS_PER_PAGE,
  newHashKey: Uint8Array = randomBytes(HASH_KEY_BYTES),
): StateFile {
  try {
    // A block of standings, or of keys, fills such a page; of smaller ones it would take a half more.
    db.exec(
      "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY;",
    );
    const tables = db.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.n;
    if (tables === 0)
      db.exec(`BEGIN; ${schema} INSERT INTO layout VALUES (1, ${accountsPerPage});
        INSERT INTO key_hash VALUES (1, x'${Buffer.from(newHashKey).toString("hex")}'); COMMIT;`);
    const id = db.prepare("PRAGMA application_id").get()?.application_id;
    const version = db.prepare("PRAGMA user_version").get()?.user_version;
    if (id !== APPLICATION_ID || version !== STATE_VERSION) {
      throw new LedgerError(
        "incompatible",
        `the state file is of version ${version}, this writer makes ${STATE_VERSION}`,
      );
    }
    return operations(db);
  } catch (error) {
    db.close();
    throw error;
  }
}

function hashKeyIn(db: DatabaseSync): Uint8Array {
  const key = db.prepare("SELECT key FROM key_hash").get()?.key;
  if (key instanceof Uint8Array && key.length === HASH_KEY_BYTES) return key;
  throw new LedgerError("incompatible", "the state file has no key to hash with");
}

function operations(db: DatabaseSync): StateFile {
  const readStand = db.prepare("SELECT revision, event, at, epoch FROM stand");
  const writeStand = db.prepare("UPDATE stand SET revision = ?, event = ?, at = ?, epoch = ?");
  const readPayment = db.prepare("SELECT revision FROM payments WHERE id = ?");
  const writePayment = db.prepare(
    `INSERT INTO payments VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE
      SET revision = excluded.revision, tenant = excluded.tenant, expires_at = excluded.expires_at`,
  );
  return {
    keys: openKeyRuns(db),
    hashKey: hashKeyIn(db),
    accountTables: openAccountTables(db),
    accountsPerPage: Number(db.prepare("SELECT accounts_per_page FROM layout").get()?.accounts_per_page),
    stand() {
      const row = readStand.get() ?? {};
      return {
        revision: Number(row.revision),
        event: row.event === null ? null : (String(row.event) as EventId),
        at: Number(row.at),
        epoch: Number(row.epoch),
      };
    },
    paymentRevision(id) {
      const revision = readPayment.get(id)?.revision;
      return revision === undefined ? undefined : Number(revision);
    },
    dueHolds: dueHoldsOf(db),
    begin: () => db.exec("BEGIN"),
    putPayment(id, revision, hold) {
      writePayment.run(id, revision, hold?.tenant ?? null, hold?.expiresAt ?? null);
    },
    commit(stand) {
      writeStand.run(stand.revision, stand.event, stand.at, stand.epoch);
      db.exec("COMMIT");
    },
    rollback() {
      if (db.isTransaction) db.exec("ROLLBACK");
    },
    close: () => db.close(),
  };
}

function dueHoldsOf(db: DatabaseSync): DueIndex {
  const readDue = db.prepare(
    "SELECT id, tenant, expires_at FROM payments WHERE expires_at <= ? ORDER BY expires_at LIMIT ?",
  );
  const readDueOf = db.prepare(
    `SELECT id, tenant, expires_at FROM payments WHERE tenant = ? AND expires_at <= ? AND (expires_at, id) > (?, ?)
      ORDER BY expires_at, id LIMIT ?`,
  );
  const readTenant = db.prepare(
    `SELECT tenant, expires_at FROM payments WHERE expires_at IS NOT NULL AND tenant > ?
      ORDER BY tenant, expires_at LIMIT 1`,
  );
  const holdOf = (row: Record<string, unknown>): DueHold => ({
    id: String(row.id) as PaymentId,
    tenant: String(row.tenant),
    expiresAt: Number(row.expires_at),
  });
  return {
    due: (now, limit) => readDue.all(now, limit).map(holdOf),
    dueOf: (tenant, now, after, limit) => readDueOf.all(tenant, now, after.expiresAt, after.id, limit).map(holdOf),
    nextTenant(after) {
      const row = readTenant.get(after);
      return row && { tenant: String(row.tenant), first: Number(row.expires_at) };
    },
  };
}

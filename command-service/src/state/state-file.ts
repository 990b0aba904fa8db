import { randomBytes } from "node:crypto";
import { existsSync, renameSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { LedgerError, NO_REVISION } from "ledger-core";
import { makeHousekeeping } from "./housekeeping.ts";
import { openDiskStorage } from "./keys/disk-storage.ts";
import { HASH_KEY_BYTES } from "./keys/key-hasher.ts";
import type { KeyStorage } from "./keys/key-storage.ts";
import { forEachKind, openPages, type Pages, pagesSchema, readRootSql } from "./pages.ts";
import { isStateFault, onStateDisk, stateCorrupt, translateStateFault } from "./state-faults.ts";
import { decodeRoot, encodeRoot, type Stand, type StateLayout, type StateRoot } from "./state-root.ts";

/** Increased whenever the same log gives another state file: files of other versions are rebuilt. */
const STATE_VERSION = 5;
/** 256 MiB. */
const WAL_PAGES_MAX = 32_768;
const APPLICATION_ID = 0x504c5354;
const defaultLayout: StateLayout = {
  accountsPerPage: 250,
  revisionsPerPage: 512,
  pagesPerChunk: 512,
  valuesPerPage: 64,
};
const schema = pagesSchema;

/**
 * The decision state on local disk: a projection of one shard's log that may be deleted at any time. Flushes are not
 * synced to disk (synchronous=NORMAL in WAL cannot corrupt the file): after a crash the file is only older, and the log
 * is replayed from there. SQLite provides transactions; `Pages` checks that pages are what was written. Every method
 * may throw `state_corrupt` or `state_unavailable`.
 */
export type StateFile = StateTables & {
  /** Holds the files of keys, which the last commit lists. */
  readonly keyStorage: KeyStorage;
};

export type StateTables = {
  /** The secret under which idempotency keys are hashed, drawn when the file is created. */
  readonly hashKey: Uint8Array;
  readonly pages: Pages;
  readonly layout: StateLayout;
  stand(): Stand;
  /** The key store's list of its files, as of the last commit. */
  keysManifest(): string | null;
  begin(): void;
  commit(stand: Stand, keysManifest?: string | null): void;
  /** Rolls back the open transaction, if there is one. */
  rollback(): void;
  /** Resolves when this process no longer holds the file. */
  close(): Promise<void>;
};

/**
 * Opens the state file, or creates an empty one.
 * @throws incompatible: of another version · state_corrupt · state_unavailable
 */
export function openStateFile(file: string, layout?: Partial<StateLayout>): StateFile {
  const db = onStateDisk(() => new DatabaseSync(file));
  const state = stateFileOn(db, layout);
  // Caps the write-ahead log if the checkpoint thread falls behind.
  onStateDisk(() => db.exec(`PRAGMA wal_autocheckpoint = ${WAL_PAGES_MAX}`));
  const housekeeping = makeHousekeeping(file);
  const keyStorage = openDiskStorage(keysFolder(file));
  return {
    ...state,
    keyStorage,
    commit(stand, manifest) {
      state.commit(stand, manifest);
      housekeeping.committed();
    },
    async close() {
      await housekeeping.close();
      await keyStorage.close();
      await state.close();
    },
  };
}

/** A new state file lists no files of keys, so opening it removes those that an older one left. */
function keysFolder(file: string): string {
  return `${file}-keys`;
}

/** Suffixes of the files that make up one database; the last is never kept. */
const suffixes = ["", "-wal", "-shm"];

/**
 * Removes a state file.
 * @param keep keeps it for inspection as `<file>.damaged`, replacing an older one
 * @returns where it is kept
 * @throws state_unavailable
 */
export function discardStateFile(file: string, keep: boolean): string | undefined {
  const kept = `${file}.damaged`;
  return onStateDisk(() => {
    if (keep) dropDamaged(file);
    for (const suffix of suffixes) {
      if (keep && suffix !== "-shm" && existsSync(file + suffix)) renameSync(file + suffix, kept + suffix);
      rmSync(file + suffix, { force: true });
    }
    return keep ? kept : undefined;
  });
}

/** Deletes the file that `discardStateFile` kept, to make room for the new one. */
export function dropDamaged(file: string): void {
  onStateDisk(() => {
    for (const suffix of suffixes) rmSync(`${file}.damaged${suffix}`, { force: true });
  });
}

/**
 * Opens the decision state in a database, and creates its tables if it is empty. Closes an unusable database.
 * @param layout for a new file; an existing one keeps its own
 * @param newHashKey for a new file
 */
export function stateFileOn(
  db: DatabaseSync,
  layout: Partial<StateLayout> = {},
  newHashKey: Uint8Array = randomBytes(HASH_KEY_BYTES),
): StateTables {
  try {
    return onStateDisk(() => {
      prepare(db, { ...defaultLayout, ...layout }, newHashKey);
      return operations(db);
    });
  } catch (error) {
    if (db.isOpen) db.close();
    throw error;
  }
}

function prepare(db: DatabaseSync, layout: StateLayout, newHashKey: Uint8Array): void {
  // A page of standings fills a page of this size; with smaller ones it would take half as much again.
  db.exec(
    "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY",
  );
  db.exec("PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF");
  const id = db.prepare("PRAGMA application_id").get()?.application_id;
  const version = db.prepare("PRAGMA user_version").get()?.user_version;
  const tables = schemaOf(db);
  if (id === 0 && version === 0 && tables.length === 0) {
    make(db, layout, newHashKey);
    return;
  }
  if (id !== APPLICATION_ID || version !== STATE_VERSION) {
    const told = `the decision state on disk is of version ${version}, this writer makes ${STATE_VERSION}`;
    throw new LedgerError("incompatible", told);
  }
  if (JSON.stringify(tables) !== expectedSchema()) throw stateCorrupt("its tables are not those that it was made with");
}

function make(db: DatabaseSync, layout: StateLayout, hashKey: Uint8Array): void {
  const root = encodeRoot({
    stand: { revision: NO_REVISION, event: null, at: 0, epoch: 0 },
    layout,
    hashKey: Buffer.from(hashKey).toString("hex"),
    keys: null,
    directories: forEachKind(() => ({ count: 0, chunks: [] })),
  });
  db.exec(`BEGIN; ${schema}; PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${STATE_VERSION}`);
  db.prepare("INSERT INTO pages VALUES (0, ?)").run(root);
  db.exec("COMMIT");
}

function schemaOf(db: DatabaseSync): unknown[] {
  return db.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name").all();
}

/** The schema of a sound file. */
function expectedSchema(): string {
  const db = new DatabaseSync(":memory:");
  db.exec(schema);
  const text = JSON.stringify(schemaOf(db));
  db.close();
  return text;
}

function operations(db: DatabaseSync): StateTables {
  const page = db.prepare(readRootSql).get()?.data;
  if (!(page instanceof Uint8Array)) throw stateCorrupt("the root is missing");
  let root: StateRoot = decodeRoot(page);
  const { layout, hashKey } = root;
  const pages = openPages(db, layout.pagesPerChunk);
  pages.load(root.directories);
  return {
    hashKey: Buffer.from(hashKey, "hex"),
    pages,
    layout,
    stand: () => root.stand,
    keysManifest: () => root.keys,
    begin: () => onStateDisk(() => db.exec("BEGIN")),
    commit(stand, manifest = root.keys) {
      const next = { stand, layout, hashKey, keys: manifest, directories: pages.writeDirectory() };
      pages.writeRoot(encodeRoot(next));
      onStateDisk(() => db.exec("COMMIT"));
      pages.committed();
      root = next;
    },
    rollback() {
      pages.rolledBack();
      onStateDisk(() => db.isTransaction && db.exec("ROLLBACK"));
    },
    async close() {
      try {
        db.close();
      } catch (error) {
        // The next open finds out whether a file that cannot be closed is sound.
        if (!isStateFault(translateStateFault(error))) throw error;
      }
    },
  };
}

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

/** Goes up when the same log gives another state file: a file of another version is thrown away and built again. */
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
 * The decision state on local disk: a projection of one shard's log that may be deleted at any time. Not fsync'd at
 * each flush (synchronous=NORMAL in WAL is safe against corruption): after a crash it is merely older, and the log is
 * replayed from there. SQLite keeps its pages together in transactions; whether they are what was written is checked by
 * `Pages` and never left to it. Every method may throw `state_corrupt` or `state_unavailable`.
 */
export type StateFile = StateTables & {
  /** Where the files of keys are, which the last commit lists. */
  readonly keyStorage: KeyStorage;
};

export type StateTables = {
  /** What idempotency keys are hashed under: drawn when the file is made, and known to nobody else. */
  readonly hashKey: Uint8Array;
  readonly pages: Pages;
  readonly layout: StateLayout;
  stand(): Stand;
  /** What the last commit kept for the key store: its list of its own files. */
  keysManifest(): string | null;
  begin(): void;
  commit(stand: Stand, keysManifest?: string | null): void;
  /** Takes a transaction back, if one is open. */
  rollback(): void;
  /** Settles when nothing of this process holds the file. */
  close(): Promise<void>;
};

/**
 * Opens the state file, making an empty one where there is none.
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

/** A new state file names no file of keys, so what an older one left there is removed when it is opened. */
function keysFolder(file: string): string {
  return `${file}-keys`;
}

/** Suffixes of the files that make up one database; the last is never kept. */
const suffixes = ["", "-wal", "-shm"];

/**
 * Takes a state file out of the way.
 * @param keep whether it may be of use to find out what happened to it: it is then kept as `<file>.damaged`, in place
 * of an older one
 * @returns where it was kept
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

/** Deletes what `discardStateFile` kept: where there is no room, the new file needs it more. */
export function dropDamaged(file: string): void {
  onStateDisk(() => {
    for (const suffix of suffixes) rmSync(`${file}.damaged${suffix}`, { force: true });
  });
}

/**
 * The decision state in an open database; an empty one gets its tables. A database that cannot be used is closed.
 * @param layout of a new file; one that is there keeps its own
 * @param newHashKey of a new file
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
  // A page of standings fills such a page; of smaller ones it would take a half more.
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

/** What the schema says in a sound file. */
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
        // A file that cannot even be closed is given up as it is: the next to open it looks what is there.
        if (!isStateFault(translateStateFault(error))) throw error;
      }
    },
  };
}

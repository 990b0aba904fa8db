import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { assert, LedgerError } from "../../../domain/errors.ts";
import { formatPosition, type Position } from "../../../domain/position.ts";

const SQLITE_CORRUPT = 11;
/** "PLDG": marks a SQLite file as an event log of payledger. */
const APPLICATION_ID = 0x504c4447;
/** Increased whenever the layout of the file changes. */
export const FORMAT = 1;

/** Measured against pages of 4 KiB: appends of 1,000 events are a quarter faster, reads of one event twice as fast. */
const PAGE_BYTES = 8192;
/** A commit checkpoints a larger WAL first: 4 MiB take about 10 ms. */
const WAL_PAGES = 512;
/** How long a reader waits while the writer recovers the WAL. */
const READ_TIMEOUT_MS = 1000;

/**
 * One row per append, or a few for a large one. `place` is shard × 2^40 + first revision, so a shard's rows are in
 * order and new ones go to the end of its part of the B-tree.
 */
const schema = `
  CREATE TABLE batch (
    place INTEGER PRIMARY KEY,
    count INTEGER NOT NULL,
    frames BLOB NOT NULL,
    leaves BLOB NOT NULL
  ) STRICT`;

export type SqliteFileOptions = {
  /** The log's file, in an existing folder. */
  readonly file: string;
  /** The most pages of 8 KiB in the file, to simulate a full disk. Unbounded if absent. */
  readonly maxPages?: number | undefined;
  /**
   * Lets other processes read the file (`openSqliteLogReader`); this one stays the only writer. Default false: the file
   * is locked exclusively, and needs no shared memory, which a full disk would refuse.
   */
  readonly shared?: boolean | undefined;
  /**
   * How many bytes of the last appends of a shard are kept in memory for those who follow it. 0 to 2^30. Default
   * 16 MiB, which is about a second of the fastest bulks.
   */
  readonly recentBytes?: number | undefined;
};

/**
 * Opens or creates the file, exclusively unless it is shared, with every acknowledged commit on disk (WAL,
 * synchronous=FULL).
 * @throws locked, incompatible, log_corrupt, log_unavailable
 */
export function openFile({ file, maxPages, shared = false }: SqliteFileOptions): DatabaseSync {
  checkVersion(libraryVersion());
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file);
    prepare(db, file, shared);
    if (maxPages !== undefined) ask(db, `PRAGMA max_page_count = ${maxPages}`);
    return db;
  } catch (error) {
    if (db?.isOpen) db.close();
    throw translate(error, file);
  }
}

/**
 * Opens a shared file that another process writes, read-only; or one that nobody writes, such as a backup's, without
 * locks and without a file beside it.
 * @throws as `openFile`, and log_unavailable if it is empty
 */
export function openFileToRead(file: string, immutable = false): DatabaseSync {
  checkVersion(libraryVersion());
  let db: DatabaseSync | undefined;
  try {
    const location = immutable ? new URL(`${pathToFileURL(file)}?immutable=1`) : file;
    db = new DatabaseSync(location, { readOnly: true, timeout: READ_TIMEOUT_MS });
    if (!isFresh(db, file)) return db;
    throw new LedgerError("log_unavailable", `the event log ${file} was not written yet`, { retryable: true });
  } catch (error) {
    if (db?.isOpen) db.close();
    throw translate(error, file);
  }
}

/**
 * Locks out other writers of a shared file until the returned connection is closed or the process ends, by an exclusive
 * transaction on an empty file beside it.
 * @throws locked
 */
export function lockWriter(file: string): DatabaseSync {
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(`${file}-writer`);
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    if (lock?.isOpen) lock.close();
    throw translate(error, file);
  }
}

function prepare(db: DatabaseSync, file: string, shared: boolean): void {
  // Set this before the first read, which then takes the lock and keeps it; the WAL needs no shared memory.
  if (!shared) set(db, "locking_mode", "exclusive");
  const fresh = isFresh(db, file);
  if (fresh) set(db, "page_size", PAGE_BYTES);
  set(db, "journal_mode", "wal");
  set(db, "wal_autocheckpoint", WAL_PAGES);
  set(db, "synchronous", 2);
  db.exec("BEGIN EXCLUSIVE");
  if (fresh) db.exec(`${schema}; PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${FORMAT}`);
  db.exec("COMMIT");
}

/** Whether the file is empty. @throws incompatible if it is not an event log, or a newer one */
function isFresh(db: DatabaseSync, file: string): boolean {
  const application = ask(db, "PRAGMA application_id");
  const format = Number(ask(db, "PRAGMA user_version"));
  const fresh = application === 0 && format === 0 && ask(db, "SELECT count(*) FROM sqlite_schema") === 0;
  if (!fresh && application !== APPLICATION_ID)
    throw new LedgerError(
      "incompatible",
      `${file} is a SQLite file, but not an event log of payledger; it was left as it is`,
    );
  if (format > FORMAT)
    throw new LedgerError(
      "incompatible",
      `${file} was written by a newer payledger (format ${format}; this one reads up to ${FORMAT}); start that version`,
    );
  return fresh;
}

/** Asks an in-memory connection, so that no old version touches the file. */
function libraryVersion(): string {
  const db = new DatabaseSync(":memory:");
  const version = ask(db, "SELECT sqlite_version()");
  db.close();
  return String(version);
}

/** Versions 3.7.0 to 3.51.2 can corrupt a WAL. */
export function checkVersion(version: string): void {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  const number = major * 1_000_000 + minor * 1_000 + patch;
  if (number < 3_051_003)
    throw new LedgerError(
      "incompatible",
      `SQLite ${version} can corrupt a write-ahead log; 3.51.3 or newer is needed: run a newer Node 24`,
    );
}

function set(db: DatabaseSync, pragma: string, value: string | number): void {
  db.exec(`PRAGMA ${pragma} = ${value}`);
  const now = ask(db, `PRAGMA ${pragma}`);
  assert(now === value, `SQLite took ${pragma} = ${value} (it says ${now})`);
}

function ask(db: DatabaseSync, sql: string): unknown {
  const statement = db.prepare(sql);
  statement.setReturnArrays(true);
  const row: unknown = statement.get();
  return Array.isArray(row) ? row[0] : undefined;
}

/** The extended result code of a SQLite error; undefined for anything else. */
export function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return undefined;
  return error.errcode;
}

/** Translates a driver's error into an operating error; returns a bug unchanged. */
export function translate(cause: unknown, file: string, position?: Position): unknown {
  // An integer too large for JavaScript, which no place or count is.
  const code = cause instanceof RangeError ? SQLITE_CORRUPT : sqliteCode(cause);
  if (code === undefined || !(cause instanceof Error)) return cause;
  const unavailable = (what: string) =>
    new LedgerError("log_unavailable", `the event log ${file} ${what} (${cause.message})`, { cause, retryable: true });
  switch (code & 0xff) {
    case 5: // SQLITE_BUSY
    case 6: // SQLITE_LOCKED
      return new LedgerError(
        "locked",
        `the event log ${file} is held by another process, most likely a ledger already running on the same data ` +
          "folder; stop that one or use another folder",
        { cause },
      );
    case 1: // SQLITE_ERROR: the statements are fixed, so the tables are not those that they are made for
    case SQLITE_CORRUPT:
    case 19: // SQLITE_CONSTRAINT: there is a row after the head
    case 26: // SQLITE_NOTADB
      return new LedgerError(
        "log_corrupt",
        `the event log ${file} is damaged${position ? ` at ${formatPosition(position)}` : ""} (${cause.message}); ` +
          "restore it from a copy",
        position ? { cause, position } : { cause },
      );
    case 13: // SQLITE_FULL
      return unavailable("has no room to grow: the disk is full");
    case 14: // SQLITE_CANTOPEN
      return unavailable("cannot be opened: its folder is missing or may not be written to");
    case 3: // SQLITE_PERM
    case 8: // SQLITE_READONLY
      return unavailable("may not be written to");
    case 7: // SQLITE_NOMEM
    case 10: // SQLITE_IOERR
      return unavailable("cannot be read or written");
    default:
      return cause;
  }
}

import { Buffer } from "node:buffer";
import type { DatabaseSync, SQLOutputValue, StatementSync } from "node:sqlite";
import { LedgerError } from "../../../domain/errors.ts";
import { NO_REVISION, REVISION_MAX, type Revision, SHARD_MAX, type Shard } from "../../../domain/position.ts";
import { type Batch, corrupt, cutBatch, decodeBatch, lastOf, splitBatch } from "../../frames.ts";
import { FORMAT, lockWriter, openFile, type SqliteFileOptions, sqliteCode, translate } from "./file.ts";

/** The most that one step of a read takes from the file. */
export const STEP_BYTES = 1 << 20;
export const STEP_EVENTS = 4096;
/** The most bytes per row: reading one event reads its whole row, so a large append is split into rows. */
const ROW_BYTES = 1 << 16;
const PLACES_PER_SHARD = REVISION_MAX + 1;
const PLACES = PLACES_PER_SHARD * (SHARD_MAX + 1);
const SQLITE_FULL = 13;
const SQLITE_IOERR_WRITE = 778;

const insert = "INSERT INTO batch (place, count, frames, leaves) VALUES (?, ?, ?, ?)";
/** Selects the row that holds the first place, and the rows after it up to the last place. */
const select = `
  SELECT place, count, frames, leaves FROM batch
  WHERE place >= (SELECT max(place) FROM batch WHERE place <= ?) AND place <= ? ORDER BY place`;
const selectLastBelow = "SELECT place, count, frames, leaves FROM batch WHERE place < ? ORDER BY place DESC LIMIT 1";

/** The batches in an open file. */
type OpenFile = {
  readonly db: DatabaseSync;
  readonly begin: StatementSync;
  readonly insert: StatementSync;
  readonly commit: StatementSync;
  readonly select: StatementSync;
  readonly heads: Map<Shard, Revision>;
};

/** The batches of every shard in one SQLite file; each method is synchronous and a whole step. */
export class SqliteBatches {
  readonly #options: SqliteFileOptions;
  readonly #lock: DatabaseSync | undefined;
  #open: OpenFile | undefined;
  #closed = false;
  /** A failed commit may be complete in the WAL, and could reappear after a crash. */
  #doubt = false;

  /** @throws locked, incompatible, log_corrupt, log_unavailable */
  constructor(options: SqliteFileOptions) {
    this.#options = options;
    this.#lock = options.shared ? lockWriter(options.file) : undefined;
    try {
      this.#open = openBatches(options);
    } catch (error) {
      this.#lock?.close();
      throw error;
    }
  }

  /**
   * Discards a commit in doubt, if there is one. Every append begins with it. @throws outcome_unknown if that fails
   */
  settle(): void {
    if (!this.#doubt) return;
    try {
      discardUncommitted(this.#file().db);
      this.#doubt = false;
    } catch (cause) {
      throw new LedgerError(
        "outcome_unknown",
        `the event log ${this.#options.file} failed in the middle of a commit and cannot be read again yet; ` +
          "repeat the append",
        { cause, retryable: true },
      );
    }
  }

  head(shard: Shard): Revision {
    return this.#file().heads.get(shard) ?? NO_REVISION;
  }

  /**
   * Writes a batch durably at the head of its shard, after `settle`.
   * @throws log_unavailable: nothing was written · outcome_unknown: the batch may reappear after a crash
   */
  write(batch: Batch): void {
    const target = this.#file();
    let committing = false;
    try {
      target.begin.run();
      for (const { shard, first, count, frames, leaves } of splitBatch(batch, ROW_BYTES))
        target.insert.run(placeOf(shard, first), count, frames, leaves);
      committing = true;
      target.commit.run();
      target.heads.set(batch.shard, lastOf(batch));
    } catch (error) {
      // A failed write leaves out the frame that would make a commit of the others. Any other fault may follow it.
      const code = sqliteCode(error);
      this.#doubt = committing && code !== SQLITE_FULL && code !== SQLITE_IOERR_WRITE;
      this.#abandon(target);
      this.settle();
      if (this.head(batch.shard) !== lastOf(batch)) throw translate(error, this.#options.file);
    }
  }

  /**
   * Batches from `from` up to `to`, a step's worth, at least one. @throws log_corrupt at a gap or a row that cannot be
   * read
   */
  load(shard: Shard, from: Revision, to: Revision): readonly Batch[] {
    return loadBatches(this.#file().select, this.#options.file, shard, from, to);
  }

  close(): void {
    this.#closed = true;
    this.#open?.db.close();
    this.#open = undefined;
    if (this.#lock?.isOpen) this.#lock.close();
  }

  #file(): OpenFile {
    if (this.#closed) throw new LedgerError("log_unavailable", `the event log ${this.#options.file} is closed`);
    this.#open ??= openBatches(this.#options);
    return this.#open;
  }

  #abandon(failed: OpenFile): void {
    try {
      if (failed.db.isTransaction) failed.db.exec("ROLLBACK");
    } catch {
      // The connection is unusable: open the file again.
      this.#doubt = true;
      this.#open = undefined;
      closeQuietly(failed.db);
    }
  }
}

/** The statement that `loadBatches` runs. */
export function prepareLoad(db: DatabaseSync): StatementSync {
  return db.prepare(select);
}

/** Finds the current head of a shard in the file, without checking its last batch. */
export function headFinder(db: DatabaseSync): (shard: Shard) => Revision {
  const lastBelow = db.prepare(selectLastBelow);
  return (shard) => {
    const row = lastBelow.get(placeOf(shard + 1, 0));
    const last = row && toBatch(row);
    return last?.shard === shard ? lastOf(last) : NO_REVISION;
  };
}

function openBatches(options: SqliteFileOptions): OpenFile {
  const db = openFile(options);
  try {
    return {
      db,
      begin: db.prepare("BEGIN IMMEDIATE"),
      insert: db.prepare(insert),
      commit: db.prepare("COMMIT"),
      select: prepareLoad(db),
      heads: readHeads(db),
    };
  } catch (error) {
    closeQuietly(db);
    throw translate(error, options.file);
  }
}

/** Reads the head of every shard from its last batch, and checks it: nothing is appended after a damaged end. */
function readHeads(db: DatabaseSync): Map<Shard, Revision> {
  const heads = new Map<Shard, Revision>();
  const lastBelow = db.prepare(selectLastBelow);
  let below = Number.MAX_SAFE_INTEGER;
  for (let row = lastBelow.get(below); row; row = lastBelow.get(below)) {
    const batch = toBatch(row);
    // In a damaged tree a search may return any row; this check makes the loop end.
    if (placeOf(batch.shard, batch.first) >= below) throw corrupt(batch.shard, batch.first, "its row is out of order");
    for (const events of decodeBatch(batch, batch.count)) heads.set(batch.shard, events.at(-1)?.revision ?? 0);
    below = placeOf(batch.shard, 0);
  }
  return heads;
}

/** Loads one step of batches from `from` up to `to`, at least one. @throws log_corrupt at a gap or an unreadable row */
export function loadBatches(
  statement: StatementSync,
  name: string,
  shard: Shard,
  from: Revision,
  to: Revision,
): readonly Batch[] {
  const batches: Batch[] = [];
  let next = from;
  let bytes = 0;
  try {
    for (const row of statement.iterate(placeOf(shard, from), placeOf(shard, to))) {
      const batch = toBatch(row);
      if (batches.length === 0 ? !holds(batch, shard, from) : batch.first !== next) {
        if (batches.length === 0) next = batch.shard === shard ? lastOf(batch) + 1 : 0;
        break;
      }
      const part = cutBatch(batch, from, to);
      batches.push(part);
      next = lastOf(batch) + 1;
      bytes += part.frames.length;
      if (bytes >= STEP_BYTES || next - from >= STEP_EVENTS) break;
    }
  } catch (error) {
    // Good batches are returned first; the next step starts at the fault and names it.
    if (batches.length === 0) throw translate(error, name, { shard, revision: next });
  }
  if (batches.length === 0) throw corrupt(shard, next, "the row that held it is missing");
  return batches;
}

function holds(batch: Batch, shard: Shard, revision: Revision): boolean {
  return batch.shard === shard && batch.first <= revision && revision <= lastOf(batch);
}

/**
 * Makes sure that no failed commit can reappear: checkpoints and truncates the WAL, then tests with an empty commit
 * that the disk can be written again.
 */
function discardUncommitted(db: DatabaseSync): void {
  const result = db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
  if (result?.busy !== 0) throw new LedgerError("log_unavailable", "a reader is in the way", { retryable: true });
  db.exec(`PRAGMA user_version = ${FORMAT}`);
}

function toBatch(row: Record<string, SQLOutputValue>): Batch {
  const { place, count, frames, leaves } = row;
  if (typeof place !== "number" || place < 0 || place >= PLACES) throw corrupt(0, 0, "a row has a place in no shard");
  const shard = Math.floor(place / PLACES_PER_SHARD);
  const first = place % PLACES_PER_SHARD;
  if (typeof count !== "number" || count < 1) throw corrupt(shard, first, `its row counts ${count} events`);
  if (!(frames instanceof Uint8Array && leaves instanceof Uint8Array))
    throw corrupt(shard, first, "its row holds no bytes");
  return { shard, first, count, frames: asBuffer(frames), leaves: asBuffer(leaves) };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function placeOf(shard: Shard, revision: Revision): number {
  return shard * PLACES_PER_SHARD + revision;
}

function closeQuietly(db: DatabaseSync): void {
  try {
    db.close();
  } catch {
    // Ignore it: the error that led here is the one to report.
  }
}

import type { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { isLedgerError, LedgerError } from "../../../domain/errors.ts";
import type { Revision, Shard } from "../../../domain/position.ts";
import type { EventSource } from "../../../ports/event-log.ts";
import type { Batch } from "../../frames.ts";
import { type BatchStore, decodeRead, decodeSubscription, readBatches, subscribeBatches } from "./batch-source.ts";
import { headFinder, loadBatches, prepareLoad } from "./batches.ts";
import { openFileToRead, translate } from "./file.ts";

type SqliteLogReaderOptions = {
  readonly file: string;
  /** How often a subscription at the log's end polls, in ms. 1 to 1000. Default 10. */
  readonly pollMs?: number;
  /** Nobody writes the file, as in a backup: it is read without locks, on a read-only disk, too. Default false. */
  readonly immutable?: boolean;
};

type OpenedReader = {
  readonly db: DatabaseSync;
  head(shard: Shard): Revision;
  load(shard: Shard, from: Revision, to: Revision): readonly Batch[];
};

/**
 * Reads the embedded event log in another process than its writer, which must share it. Opens the file at the first
 * use, and again after a fault. While the file is missing, or its writer does not share it, every method throws
 * log_unavailable.
 */
export function openSqliteLogReader({ file, pollMs = 10, immutable = false }: SqliteLogReaderOptions): EventSource {
  let opened: OpenedReader | undefined;
  let closed = false;

  function open(): OpenedReader {
    if (closed) throw new LedgerError("log_unavailable", `the event log ${file} is closed`);
    const db = openFileToRead(file, immutable);
    const load = prepareLoad(db);
    return { db, head: headFinder(db), load: (...range) => loadBatches(load, file, ...range) };
  }
  function use<Result>(work: (reader: OpenedReader) => Result): Result {
    try {
      opened ??= open();
      return work(opened);
    } catch (error) {
      opened?.db.close();
      opened = undefined;
      const fault = translate(error, file);
      if (!isLedgerError(fault, "locked")) throw fault;
      throw new LedgerError("log_unavailable", fault.message, { cause: error, retryable: true });
    }
  }

  const store: BatchStore = {
    head: (shard) => use((reader) => reader.head(shard)),
    load: (shard, from, to) => use((reader) => reader.load(shard, from, to)),
    arrival: (_shard, signal) => delay(pollMs, undefined, { signal }).catch(() => undefined),
  };
  return {
    head: async (shard) => store.head(shard),
    read: (shard, from, options) => decodeRead(readBatches(store, shard, from, options?.limit)),
    subscribe: (shard, from, signal) => decodeSubscription(subscribeBatches(store, shard, from, signal), signal),
    async close() {
      closed = true;
      opened?.db.close();
      opened = undefined;
    },
  };
}

import { statSync } from "node:fs";
import { Worker } from "node:worker_threads";
import type { Housework } from "./housekeeping-thread.ts";

/** What a write-ahead log may hold before it is worth copying. */
const WAL_BYTES = 4 << 20;
/** Orders under way above which nothing more is read ahead: the disk is behind as it is. */
const ORDERS_MAX = 4;

/** The place of the count of orders in the memory that both threads see. */
export const ORDERS = 0;

/**
 * What waits for the disk beside a state file, in a thread of its own, since the writer's thread should not: what commits left in
 * the write-ahead log is copied into the file, tens of milliseconds each time; and pages of keys that the next flush will need are read, so
 * that the writer finds them in the system's memory. They were last touched some minutes ago, or hours.
 */
export type Housekeeping = {
  /** A commit is done; the next will need these pages of keys. */
  committed(soon: Uint32Array): void;
  /** Settles when nobody but the caller holds the file: it may be deleted then. Nothing waits for it meanwhile. */
  close(): Promise<void>;
};

/** The thread is started by the first commit that gives it something to do. */
export function makeHousekeeping(file: string): Housekeeping {
  const shared = new Int32Array(new SharedArrayBuffer(4));
  let worker: Worker | undefined;
  let closed: Promise<void> | undefined;
  function order(work: Housework): void {
    if (!worker) {
      worker = new Worker(new URL("./housekeeping-thread.ts", import.meta.url), { workerData: { file, shared } });
      worker.unref();
      // The thread answers for nothing: should it fail, the writer's own connection does its work.
      worker.on("error", () => {});
    }
    Atomics.add(shared, ORDERS, 1);
    worker.postMessage(work);
  }
  return {
    committed(soon) {
      const wal = statSync(`${file}-wal`, { throwIfNoEntry: false });
      if (wal && wal.size >= WAL_BYTES) order({ do: "checkpoint" });
      if (soon.length > 0 && Atomics.load(shared, ORDERS) < ORDERS_MAX) order({ do: "read", pages: soon });
    },
    close() {
      closed ??= new Promise((resolve) => {
        if (!worker) return resolve();
        worker.ref();
        worker.once("exit", () => resolve());
        order({ do: "close" });
      });
      return closed;
    },
  };
}

import { statSync } from "node:fs";
import { Worker } from "node:worker_threads";
import type { Housework } from "./housekeeping-thread.ts";

/** What a write-ahead log may hold before it is worth copying. */
const WAL_BYTES = 4 << 20;

/**
 * What waits for the disk beside a state file, in a thread of its own, since the writer's thread should not: what
 * commits left in the write-ahead log is copied into the file, tens of milliseconds each time.
 */
type Housekeeping = {
  /** A commit is done. */
  committed(): void;
  /** Settles when nobody but the caller holds the file: it may be deleted then. Nothing waits for it meanwhile. */
  close(): Promise<void>;
};

/** The thread is started by the first commit that gives it something to do. */
export function makeHousekeeping(file: string): Housekeeping {
  let worker: Worker | undefined;
  let closed: Promise<void> | undefined;
  function order(work: Housework): void {
    if (!worker) {
      worker = new Worker(new URL("./housekeeping-thread.ts", import.meta.url), { workerData: { file } });
      worker.unref();
      // The thread answers for nothing: should it fail, the writer's own connection does its work.
      worker.on("error", () => {});
    }
    worker.postMessage(work);
  }
  return {
    committed() {
      const wal = statSync(`${file}-wal`, { throwIfNoEntry: false });
      if (wal && wal.size >= WAL_BYTES) order({ do: "checkpoint" });
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

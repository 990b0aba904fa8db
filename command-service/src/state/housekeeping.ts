import { statSync } from "node:fs";
import { Worker } from "node:worker_threads";
import type { Housework } from "./housekeeping-thread.ts";

/** The size from which a write-ahead log is worth copying. */
const WAL_BYTES = 4 << 20;

/**
 * Copies a state file's write-ahead log into the file, on its own thread: that takes tens of milliseconds, which the
 * writer's thread should not wait.
 */
type Housekeeping = {
  /** Called after each commit. */
  committed(): void;
  /** Resolves when only the caller holds the file, which may then be deleted. */
  close(): Promise<void>;
};

/** Starts the thread at the first commit that gives it work. */
export function makeHousekeeping(file: string): Housekeeping {
  let worker: Worker | undefined;
  let closed: Promise<void> | undefined;
  function order(work: Housework): void {
    if (!worker) {
      worker = new Worker(new URL("./housekeeping-thread.ts", import.meta.url), { workerData: { file } });
      worker.unref();
      // If the thread fails, the writer's own connection does its work.
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

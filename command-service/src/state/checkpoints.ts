import { statSync } from "node:fs";
import { Worker } from "node:worker_threads";
import type { CheckpointOrder } from "./checkpoint-thread.ts";

/** What a write-ahead log may hold before it is worth copying. */
const WAL_BYTES = 4 << 20;
const CLOSE_WAIT_MS = 30_000;

/**
 * Copies what commits left in the write-ahead log into the state file, in a thread of its own: it waits for the disk, for tens of
 * milliseconds at every flush, and the writer's thread should not.
 */
export type Checkpoints = {
  /** A commit is done. */
  committed(): void;
  /** Returns when nobody but the caller holds the file: it may be deleted then. */
  close(): void;
};

/** The thread is started by the first commit that leaves much behind. */
export function makeCheckpoints(file: string): Checkpoints {
  const closed = new Int32Array(new SharedArrayBuffer(4));
  let worker: Worker | undefined;
  const order = (message: CheckpointOrder) => worker?.postMessage(message);
  return {
    committed() {
      const wal = statSync(`${file}-wal`, { throwIfNoEntry: false });
      if (!wal || wal.size < WAL_BYTES) return;
      if (!worker) {
        worker = new Worker(new URL("./checkpoint-thread.ts", import.meta.url), { workerData: { file, closed } });
        worker.unref();
      }
      order("checkpoint");
    },
    close() {
      if (!worker) return;
      order("close");
      Atomics.wait(closed, 0, 0, CLOSE_WAIT_MS);
      worker = undefined;
    },
  };
}

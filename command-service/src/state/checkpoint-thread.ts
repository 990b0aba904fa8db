import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";

export type CheckpointOrder = "checkpoint" | "close";

/**
 * The thread of `makeCheckpoints`. A checkpoint that does not come about, because the disk is full or fails, is left to the next one, and
 * in the end to the writer's own connection, which meets the same fault and tells of it.
 */
const { file, closed }: { file: string; closed: Int32Array } = workerData;
let db: DatabaseSync | undefined;

parentPort?.on("message", (order: CheckpointOrder) => {
  if (order === "checkpoint") checkpoint();
  else close();
});

function checkpoint(): void {
  try {
    db ??= new DatabaseSync(file);
    db.exec("PRAGMA wal_checkpoint(PASSIVE)");
  } catch {
    letGo();
  }
}

function letGo(): void {
  try {
    db?.close();
  } finally {
    db = undefined;
  }
}

function close(): void {
  try {
    letGo();
  } finally {
    Atomics.store(closed, 0, 1);
    Atomics.notify(closed, 0);
    parentPort?.close();
  }
}

import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";

export type Housework = { readonly do: "checkpoint" | "close" };

/**
 * The thread of `makeHousekeeping`. Ignores faults of the disk: the next order retries, and at last the writer's own
 * connection meets the same fault and reports it.
 */
const { file }: { file: string } = workerData;
let db: DatabaseSync | undefined;

parentPort?.on("message", (work: Housework) => {
  if (work.do === "close") close();
  else checkpoint();
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
    parentPort?.close();
  }
}

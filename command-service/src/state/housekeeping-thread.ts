import { DatabaseSync, type StatementSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { ORDERS } from "./housekeeping.ts";
import { readPageSql } from "./key-pages.ts";

export type Housework = { readonly do: "checkpoint" | "close" } | { readonly do: "read"; readonly pages: Uint32Array };

/**
 * The thread of `makeHousekeeping`. Work that does not come about, because the disk is full or fails, is left to the next order, and
 * in the end to the writer's own connection, which meets the same fault and tells of it.
 */
const { file, shared }: { file: string; shared: Int32Array } = workerData;
let db: DatabaseSync | undefined;
let readPage: StatementSync | undefined;

parentPort?.on("message", (work: Housework) => {
  if (work.do === "close") close();
  else attempt(work);
  Atomics.sub(shared, ORDERS, 1);
});

function attempt(work: Exclude<Housework, { do: "close" }>): void {
  try {
    db ??= new DatabaseSync(file);
    if (work.do === "read") read(db, work.pages);
    else db.exec("PRAGMA wal_checkpoint(PASSIVE)");
  } catch {
    letGo();
  }
}

function read(from: DatabaseSync, pages: Uint32Array): void {
  readPage ??= from.prepare(readPageSql);
  for (const page of pages) readPage.get(page);
}

function letGo(): void {
  try {
    db?.close();
  } finally {
    db = undefined;
    readPage = undefined;
  }
}

function close(): void {
  try {
    letGo();
  } finally {
    parentPort?.close();
  }
}

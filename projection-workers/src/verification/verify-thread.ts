import { readlinkSync } from "node:fs";
import { setPriority } from "node:os";
import { basename } from "node:path";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { assert } from "ledger-core";
import { connectLog } from "ledger-core/event-log";
import { type VerifyTuning, verifyAll } from "./verification.ts";

/** Data that the thread is started with; the port leads to the event log. */
export type VerifyThreadData = {
  readonly dir: string;
  readonly shards: number;
  readonly tuning: VerifyTuning;
  readonly logPort: MessagePort;
};

const LOWEST_PRIORITY = 19;

/** A low-priority thread that compares the read models with the log and then ends. */
async function main(port: MessagePort, { dir, shards, tuning, logPort }: VerifyThreadData): Promise<void> {
  yieldToAll();
  const log = connectLog(logPort);
  const abort = new AbortController();
  port.on("message", () => abort.abort());
  const all = Array.from({ length: shards }, (_, shard) => shard);
  const ports = { dir, log, shards: all, tuning, signal: abort.signal };
  await verifyAll(ports, (state) => port.postMessage(state));
  await log.close();
  port.close();
}

/** Linux has per-thread priorities; elsewhere the thread runs at normal priority. */
function yieldToAll(): void {
  try {
    setPriority(Number(basename(readlinkSync("/proc/thread-self"))), LOWEST_PRIORITY);
  } catch {
    // Not Linux, or not permitted: rely on the pauses.
  }
}

assert(parentPort, "the thread of a verification is a worker");
await main(parentPort, workerData);

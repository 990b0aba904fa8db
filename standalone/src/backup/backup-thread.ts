import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { assert, LedgerError } from "ledger-core";
import { connectLog } from "ledger-core/event-log";
import type { BackupState } from "./backup-state.ts";
import { writeBackup } from "./write-backup.ts";

/** Data that the thread is started with; the port leads to the event log. */
export type BackupThreadData = {
  readonly dataDir: string;
  readonly to: string;
  readonly shards: number;
  readonly logPort: MessagePort;
};

/** Writes one backup and ends: a large log must not keep requests waiting. */
async function main(port: MessagePort, { logPort, ...backup }: BackupThreadData): Promise<void> {
  const log = connectLog(logPort);
  const abort = new AbortController();
  port.on("message", () => abort.abort(new LedgerError("not_ready", "the ledger stops: start the backup again")));
  const tell = (state: BackupState) => port.postMessage(state);
  const onProgress = ({ events, total }: { events: number; total: number }) =>
    tell({ status: "running", events, total, detail: "copying the log" });
  try {
    const { shards } = await writeBackup({ ...backup, log, onProgress, signal: abort.signal });
    const events = shards.reduce((sum, { head }) => sum + head + 1, 0);
    tell({
      status: "done",
      events,
      total: events,
      detail: shards.map(({ shard, head }) => `${shard}:${head}`).join(" "),
    });
  } catch (error) {
    tell({ status: "failed", events: 0, total: 0, detail: error instanceof Error ? error.message : String(error) });
  }
  await log.close();
  port.close();
}

assert(parentPort, "the thread of a backup is a worker");
await main(parentPort, workerData);

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type MessagePort, Worker } from "node:worker_threads";
import { LedgerError } from "ledger-core";
import { Problem } from "ledger-core/http/problems";
import type { Logger } from "ledger-core/process";
import type { BackupState } from "./backup-state.ts";
import type { BackupThreadData } from "./backup-thread.ts";

export type BackupsOptions = {
  readonly dataDir: string;
  readonly shards: number;
  readonly connectLog: () => MessagePort;
  readonly logger: Logger;
};

/** Backups of a running ledger, one at a time, each on a thread of its own. */
type Backups = {
  /**
   * Starts the backup that a ticket asks for.
   * @throws LedgerError overloaded, not_ready; Problem if there is no such ticket
   */
  begin(ticket: string): void;
  state(): BackupState | undefined;
  stop(): Promise<void>;
};

/**
 * A ticket is a file in the data folder that names where to write. A backup holds keys and everybody's data, so who
 * asks for one must be able to write in the folder that it copies; a token alone does not choose a path.
 */
export function ticketFile(dataDir: string, ticket: string): string {
  return join(dataDir, `backup-${ticket}.ticket`);
}

export function makeBackups({ dataDir, shards, connectLog, logger }: BackupsOptions): Backups {
  let state: BackupState | undefined;
  let thread: Worker | undefined;
  let stopping = false;
  return {
    begin(ticket) {
      if (stopping) throw new LedgerError("not_ready", "the service is stopping");
      if (thread) throw new LedgerError("overloaded", "a backup is being written: wait for its end");
      const to = readTicket(ticketFile(dataDir, ticket));
      const logPort = connectLog();
      const workerData: BackupThreadData = { dataDir, to, shards, logPort };
      const worker = new Worker(new URL("./backup-thread.ts", import.meta.url), {
        workerData,
        transferList: [logPort],
      });
      thread = worker;
      state = { status: "running", events: 0, total: 0, detail: "starting" };
      worker.on("message", (told: BackupState) => {
        state = told;
      });
      worker.on("error", (error) => logger.error({ err: error }, "the backup failed"));
      worker.on("exit", () => {
        thread = undefined;
        if (state?.status === "running") state = { ...state, status: "failed", detail: "it ended before it was done" };
        logger.info({ ...state }, "backup");
      });
    },
    state: () => state,
    async stop() {
      stopping = true;
      if (!thread) return;
      thread.postMessage("stop");
      await once(thread, "exit");
    },
  };
}

function readTicket(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    throw new Problem("route_not_found", "The data folder holds no such ticket: ask by `ledger backup`.");
  }
}

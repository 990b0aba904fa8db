import { once } from "node:events";
import { type MessagePort, Worker } from "node:worker_threads";
import type { Environment, Logger, LogLevel } from "ledger-core/process";
import type { ProjectionStatus } from "projection-workers";
import type { ExportBoard } from "../readiness.ts";

export type ExportThreadOptions = {
  /** A connection to the log for the thread. */
  readonly connect: () => MessagePort;
  readonly shards: number;
  /** The settings of the export, which the thread reads: no secret is passed on. */
  readonly environment: Environment;
  readonly logger: Logger;
  readonly logLevel: LogLevel;
  /** When it starts, and starts again after it ended by itself, in ms. 0 to 600,000. Default 5000. */
  readonly startAfterMs?: number;
  /** How long a stop waits for the commits under way, in ms. 0 to 60,000. Default 3000. */
  readonly stopMs?: number;
};

/** Plain data that the thread is started with. */
export type ExportThreadData = { readonly logPort: MessagePort; readonly shards: number; readonly logLevel: LogLevel };

/** Far more than it needs: below this, V8 lets the heap grow by little, and collects all of it much more often. */
const HEAP_MIB = 2048;
/** Room for many pieces of the log, of which one survives a collection. */
const YOUNG_MIB = 24;

/**
 * Runs the exporter on a thread of its own, a while after the ledger's start, which it does not slow down. Whatever
 * happens to it, the ledger goes on: a thread that failed is started again, as a process would be.
 */
export function runExportThread(options: ExportThreadOptions): ExportBoard & { stop(): Promise<void> } {
  const { logger, startAfterMs = 5000, stopMs = 3000 } = options;
  let statuses: readonly ProjectionStatus[] = [];
  let worker: Worker | undefined;
  let timer = setTimeout(begin, startAfterMs);

  function begin(): void {
    const started = startWorker(options);
    worker = started;
    started.on("message", (told: readonly ProjectionStatus[]) => {
      statuses = told;
    });
    started.on("error", (error) => {
      logger.error({ err: error }, "the export failed and is started again: this is a bug");
      statuses = statuses.map((status) => ({ ...status, state: "retrying", reason: "bug", publicReason: "bug" }));
    });
    started.on("exit", () => {
      if (worker !== started) return;
      worker = undefined;
      timer = setTimeout(begin, startAfterMs);
    });
  }

  return {
    statuses: () => statuses,
    async stop() {
      clearTimeout(timer);
      const last = worker;
      if (!last) return;
      worker = undefined;
      const ended = once(last, "exit");
      last.postMessage("stop");
      // A commit is whole or not there, so it may be cut off.
      const bound = setTimeout(() => void last.terminate(), stopMs);
      await ended.catch(() => undefined);
      clearTimeout(bound);
    },
  };
}

function startWorker({ connect, shards, environment, logLevel }: ExportThreadOptions): Worker {
  const logPort = connect();
  return new Worker(new URL("./export-thread-main.ts", import.meta.url), {
    workerData: { logPort, shards, logLevel } satisfies ExportThreadData,
    transferList: [logPort],
    env: environment,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB, maxYoungGenerationSizeMb: YOUNG_MIB },
  });
}

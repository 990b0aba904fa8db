import { once } from "node:events";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import type { EventLog } from "../../../ports/event-log.ts";
import type { SqliteFileOptions } from "../event-log/file.ts";
import { connectLog } from "./connection.ts";
import { fromFault, type WireFault } from "./messages.ts";

export type LogOrder = { readonly kind: "serve"; readonly port: MessagePort } | { readonly kind: "close" };
export type LogReport = { readonly kind: "open" } | { readonly kind: "refused"; readonly fault: WireFault };

/**
 * The embedded log on its own thread, so that hashing and disk writes do not block the thread that answers requests.
 */
type LogThread = {
  /** The log for this thread; its `close` closes only the connection. */
  readonly log: EventLog;
  /** A connection for another thread, which calls `connectLog` on the transferred port. */
  connect(): MessagePort;
  /** Closes the file and ends the thread. */
  close(): Promise<void>;
};

/** Opens the log's file in a new thread. @throws as `openSqliteLog` */
export async function openLogThread(options: SqliteFileOptions): Promise<LogThread> {
  const worker = new Worker(new URL("./log-thread-main.ts", import.meta.url), { workerData: options });
  const order = (message: LogOrder, transfer: MessagePort[] = []) => worker.postMessage(message, transfer);
  const [report]: LogReport[] = await once(worker, "message");
  if (report?.kind !== "open") {
    await worker.terminate();
    throw report ? fromFault(report.fault) : new Error("the event log's thread said nothing");
  }
  // An uncaught error in the thread is a bug: it ends the process.
  worker.on("error", (error) => {
    throw error;
  });
  const connect = () => {
    const { port1, port2 } = new MessageChannel();
    order({ kind: "serve", port: port1 }, [port1]);
    return port2;
  };
  const log = connectLog(connect());
  return {
    log,
    connect,
    async close() {
      await log.close();
      const exit = once(worker, "exit");
      order({ kind: "close" });
      await exit;
    },
  };
}

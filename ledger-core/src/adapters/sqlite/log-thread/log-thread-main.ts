import { parentPort, workerData } from "node:worker_threads";
import { assert } from "../../../domain/errors.ts";
import { openSqliteLog } from "../event-log/log.ts";
import type { LogOrder, LogReport } from "./log-thread.ts";
import { toFault } from "./messages.ts";
import { serveLog } from "./serving.ts";

/** The event log's thread: opens the file, serves it on every port it gets, and closes it on request. */
const parent = parentPort;
assert(parent, "the event log's thread is a worker");
const report = (message: LogReport) => parent.postMessage(message);

try {
  const log = await openSqliteLog(workerData);
  const ends: (() => void)[] = [];
  parent.on("message", async (order: LogOrder) => {
    if (order.kind === "serve") {
      ends.push(serveLog(log, order.port, { check: "here" }));
      return;
    }
    for (const end of ends) end();
    await log.close();
    parent.close();
  });
  report({ kind: "open" });
} catch (error) {
  report({ kind: "refused", fault: toFault(error) });
}

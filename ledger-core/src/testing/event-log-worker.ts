import { parentPort, workerData } from "node:worker_threads";
import { connectLog } from "../adapters/sqlite/log-thread/connection.ts";
import { followTo, makeEvents } from "./event-log-events.ts";

/** Appends to its own shard, follows shard 0 up to `last`, and reports the result or the error. */
const { port, last } = workerData;
const log = connectLog(port);
const head = await log.append(1, -1, makeEvents(0, 10, { shard: 1 }));
const refusal = await log.append(1, 3, makeEvents(4, 1, { shard: 1, salt: 9 })).catch((error: unknown) => error);
parentPort?.postMessage({ head, refusal: refusal instanceof Error ? { ...refusal, name: refusal.name } : refusal });
const revisions = await followTo(log, 0, 0, last);
await log.close();
parentPort?.postMessage({ revisions });

export type { BatchSource } from "./batch-source.ts";
export { connectLog } from "./connection.ts";
export { EventFrames, type FramesMark, makeFramesPool } from "./event-frames.ts";
export { leafHash } from "./leaf.ts";
export { type LogThread, openLogThread } from "./log-thread.ts";
export { bytesOf, type Delivery, type EventLog, type Events, type NewEvent, type StoredEvent } from "./port.ts";
export { serveLog } from "./serving.ts";
export type { SqliteFileOptions } from "./sqlite-file.ts";
export { openSqliteLog } from "./sqlite-log.ts";

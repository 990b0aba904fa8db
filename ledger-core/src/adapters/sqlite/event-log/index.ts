export { EventFrames, type FramesMark, makeFramesPool } from "../../../ports/event-frames.ts";
export {
  bytesOf,
  type Delivery,
  type EventLog,
  type EventSource,
  type Events,
  type NewEvent,
  type StoredEvent,
} from "../../../ports/event-log.ts";
export { connectLog } from "../log-thread/connection.ts";
export { type LogThread, openLogThread } from "../log-thread/log-thread.ts";
export { serveLog } from "../log-thread/serving.ts";
export type { BatchSource } from "./batch-source.ts";
export type { SqliteFileOptions } from "./file.ts";
export { leafHash } from "./leaf.ts";
export { openSqliteLog } from "./log.ts";
export { openSqliteLogReader, type SqliteLogReaderOptions } from "./reader.ts";

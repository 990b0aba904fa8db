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
export { openLogThread } from "../log-thread/log-thread.ts";

export { openSqliteLog } from "./log.ts";
export { openSqliteLogReader } from "./reader.ts";

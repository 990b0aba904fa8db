export { connectRedis } from "./client.ts";
export type { RedisConnection } from "./connection.ts";
export { openRedisQuotaCounts } from "./limits/quota-counts.ts";
export { openRedisRevocations } from "./limits/revocations.ts";
export { redisScript } from "./script.ts";
export {
  type ListedAccount,
  type ListedName,
  type ListedOwner,
  openSessionListing,
  type SessionListing,
} from "./sessions/listing.ts";
export type { SessionGeneration, SessionRebuild } from "./sessions/rebuild.ts";
export { accountText, entryText } from "./sessions/rows.ts";
export { makeApplyScript } from "./sessions/scripts.ts";
export { openSessionStore, type SessionStore } from "./sessions/store.ts";
export { entryScore, idleScore } from "./sessions/target.ts";
export { openSessionView } from "./sessions/view.ts";

export { connectRedis } from "./client.ts";
export type { RedisConnection } from "./connection.ts";
export { openRedisQuotaCounts } from "./limits/quota-counts.ts";
export { openRedisRevocations } from "./limits/revocations.ts";
export { redisScript } from "./script.ts";
export { makeApplyScript } from "./sessions/apply-script.ts";
export {
  type ListedAccount,
  type ListedName,
  type ListedOwner,
  openSessionListing,
  type SessionListing,
} from "./sessions/listing.ts";
export type { SessionGeneration, SessionRebuild } from "./sessions/rebuild.ts";
export {
  accountText,
  entryFields,
  entryText,
  NOTHING_HELD,
  OPEN,
  readBalance,
} from "./sessions/rows.ts";
export { openSessionStore, type SessionStore } from "./sessions/store.ts";
export { openSessionView } from "./sessions/view.ts";

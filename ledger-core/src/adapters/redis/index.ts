export { connectRedis } from "./client.ts";
export { openRedisQuotaCounts } from "./limits/quota-counts.ts";
export { openRedisRevocations } from "./limits/revocations.ts";
export { redisScript } from "./script.ts";
export { makeApplyScript } from "./sessions/scripts.ts";
export { openSessionStore, type SessionGeneration, type SessionStore } from "./sessions/store.ts";
export { openSessionView } from "./sessions/view.ts";

export { connectRedis } from "./client.ts";
export { redisScript } from "./script.ts";
export { makeApplyScript } from "./sessions/scripts.ts";
export { openSessionStore, type SessionGeneration, type SessionStore } from "./sessions/store.ts";
export { openSessionView } from "./sessions/view.ts";

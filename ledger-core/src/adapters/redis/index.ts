export { connectRedis } from "./client.ts";
export { openSessionStore } from "./sessions/store.ts";
export { openSessionView } from "./sessions/view.ts";

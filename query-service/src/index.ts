export { openPaymentGraph } from "./adapters/sqlite/payment-graph.ts";
export { signedCursors } from "./cursors.ts";
export { StoreDamage } from "./damage.ts";
export type { QueryLimits } from "./limits.ts";
export { openSession } from "./queries/session.ts";
export type { StoreName } from "./query.ts";
export { type QueryDeps, type QueryRoutesOptions, registerQueries, registerQueryRoutes } from "./register.ts";
export type { QueryThreads } from "./threads/threads.ts";
export { type QueryTuning, startQueryThreads } from "./threads/threads.ts";

export { type Cursors, signedCursors } from "./cursors.ts";
export { StoreDamage } from "./damage.ts";
export { type QueryLimits, queryLimits } from "./limits.ts";
export type { Outcome, Query, QueryRunner, StoreName } from "./query.ts";
export { type QueryDeps, type QueryRoutesOptions, registerQueries, registerQueryRoutes } from "./register.ts";
export { createQueryRunner, type QueryStores, type RunnerOptions } from "./runner.ts";
export { serveQueryThread } from "./threads/serving.ts";
export { openQueryThreads, type QueryThreads, type QueryThreadsOptions } from "./threads/threads.ts";

export { type Cursors, signedCursors } from "./cursors.ts";
export { type QueryLimits, queryLimits } from "./limits.ts";
export { type QueryDeps, registerQueries } from "./register.ts";

export { type Cursors, signedCursors } from "./cursors.ts";
export { type QueryDeps, registerQueries } from "./register.ts";

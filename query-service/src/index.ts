export { type QueryDeps, registerQueries } from "./register.ts";

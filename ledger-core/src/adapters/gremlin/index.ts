export { fieldOf, type GremlinValue, listsIn, numberIn, textIn } from "./answers.ts";
export {
  claimRebuild,
  completeGraph,
  FREE,
  forgetBuild,
  type GraphBooks,
  moveCheckpoint,
  notAt,
  noteBuild,
  openBooks,
  readBooks,
  serveBuild,
} from "./books.ts";
export { type GremlinClient, openGremlin } from "./client.ts";
export type { GremlinBindings } from "./driver.ts";
export { FOREVER, PARTITIONS, PAYERS_KEPT, partitionOf, placeOf } from "./layout.ts";

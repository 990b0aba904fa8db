export { type EmbeddedPaymentGraph, openPaymentGraph } from "./adapters/payment-graph-file.ts";
export { type EmbeddedSessionView, openSessionView } from "./adapters/session-view-file.ts";
export type { Comparison, Difference } from "./comparison.ts";
export type { ProjectionStatus } from "./consumer.ts";
export { type ConsumerOptions, type ProjectionRun, runProjection } from "./consumer.ts";
export { graphProjection } from "./graph-projection.ts";
export { migrateModels } from "./models/migrations.ts";
export { type ModelChange, modelsProjection } from "./models/projection.ts";
export { rebuildableModels } from "./models/rebuild.ts";
export { modelsTarget } from "./models/target.ts";
export { type Projections, type ProjectionsOptions, type ProjectionTuning, startProjections } from "./projections.ts";
export {
  type RebuildableStore,
  type RebuildOptions,
  type RebuildProgress,
  type RebuildResult,
  rebuild,
} from "./rebuild.ts";
export { sessionProjection } from "./session-projection.ts";

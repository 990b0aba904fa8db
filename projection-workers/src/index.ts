export { type EmbeddedPaymentGraph, openPaymentGraph, shadowGraph } from "./adapters/sqlite/payment-graph.ts";
export { type EmbeddedSessionView, openSessionView, shadowSession } from "./adapters/sqlite/session-view.ts";
export type { ProjectionStatus } from "./consumer/consumer.ts";
export { type ConsumerOptions, type ProjectionRun, runProjection } from "./consumer/consumer.ts";
export { graphProjection } from "./projections/graph/projection.ts";
export { migrateModels } from "./projections/models/migrations.ts";
export { type ModelChange, modelsProjection } from "./projections/models/projection.ts";
export { rebuildableModels, shadowModels } from "./projections/models/rebuild.ts";
export { modelsTarget } from "./projections/models/target.ts";
export { sessionProjection } from "./projections/session/projection.ts";
export { type Projections, type ProjectionsOptions, type ProjectionTuning, startProjections } from "./projections.ts";
export type { Comparison, Difference } from "./rebuild/comparison.ts";
export {
  type RebuildableStore,
  type RebuildOptions,
  type RebuildProgress,
  type RebuildResult,
  rebuild,
  type ShadowBuild,
} from "./rebuild/rebuild.ts";
export { type Finding, type Verification, type VerifyOptions, verify } from "./rebuild/verify.ts";

export { type EmbeddedPaymentGraph, openPaymentGraph, shadowGraph } from "./adapters/payment-graph-file.ts";
export { type EmbeddedSessionView, openSessionView, shadowSession } from "./adapters/session-view-file.ts";
export type { Comparison, Difference } from "./comparison.ts";
export type { ProjectionStatus } from "./consumer.ts";
export { type ConsumerOptions, type ProjectionRun, runProjection } from "./consumer.ts";
export { graphProjection } from "./graph-projection.ts";
export { migrateModels } from "./models/migrations.ts";
export { type ModelChange, modelsProjection } from "./models/projection.ts";
export { rebuildableModels, shadowModels } from "./models/rebuild.ts";
export { modelsTarget } from "./models/target.ts";
export { type Projections, type ProjectionsOptions, type ProjectionTuning, startProjections } from "./projections.ts";
export {
  type RebuildableStore,
  type RebuildOptions,
  type RebuildProgress,
  type RebuildResult,
  rebuild,
  type ShadowBuild,
} from "./rebuild.ts";
export { sessionProjection } from "./session-projection.ts";
export { type Finding, type Verification, type VerifyOptions, verify } from "./verify.ts";

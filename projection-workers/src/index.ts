export { decodeOnce } from "./consumer/application.ts";
export type { ProjectionStatus } from "./consumer/consumer.ts";
export { type ConsumerOptions, passes, runProjection } from "./consumer/consumer.ts";
export { pause } from "./consumer/pause.ts";
export type { ReadingTuning } from "./consumer/shared-reading.ts";
export { shareReading } from "./consumer/shared-reading.ts";
export { mirrorService, projectionService, type RebuiltTarget, rebuildServer, SESSION } from "./main.ts";
export { compareMirror, type MirrorComparison } from "./mirror/compare-mirror.ts";
export { startMirror } from "./mirror/mirror.ts";
export { watchTarget } from "./mirror/watched-target.ts";
export {
  dropOtherModels,
  fileOf,
  makeSqlProjections,
  migrateModels,
  migrateServerModels,
  projectionNames,
  storeFiles,
  viewProjections,
} from "./projections/list.ts";
export { makeReadModels, modelsTarget } from "./projections/models/model.ts";
export { type ModelChange, modelsProjection } from "./projections/models/projection.ts";
export type { Projected } from "./projections/registered.ts";
export { sessionProjection } from "./projections/session/projection.ts";
export type { ProjectionBoard } from "./running/board.ts";
export { watchHeads } from "./running/heads.ts";
export { pathOf } from "./running/keep-projections.ts";
export { type ProjectionThread, startProjectionThread } from "./running/projection-thread.ts";
export { type Lag, measureProjections, namesOf, projectionChecks, waitForProjections } from "./running/readiness.ts";
export { newRebuild, type RebuildState } from "./running/rebuild-state.ts";
export { reportRebuild } from "./running/reported-rebuild.ts";
export type { ProjectionTuning } from "./running/reports.ts";
export { setAside } from "./running/set-aside.ts";
export { type StallOptions, watchStalls } from "./running/stalls.ts";
export type { KeeperTuning } from "./running/store-keeper.ts";
export type { ComparedStore, ComparedWith } from "./verification/stores/compared-store.ts";
export { storeGroups } from "./verification/stores/store-groups.ts";
export { type FirstDifference, noReport, type StoreReport } from "./verification/stores/store-report.ts";
export { type StoresReport, verifyStores } from "./verification/stores/verify-stores.ts";
export { type VerifyState, verifyAll, verifyTuning } from "./verification/verification.ts";
export { Verifications } from "./verification/verifications.ts";

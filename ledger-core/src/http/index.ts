export { bearerOf, callerOf } from "./auth.ts";
export { type JsonObject, NESTING_MAX, parseBody } from "./body.ts";
export { type CallerLimits, openCallerLimits, tryLimits } from "./caller-limits.ts";
export { holdsCardNumber, isAsciiSeparator } from "./card-numbers.ts";
export { createEdge, openOperationsPort } from "./edge.ts";
export { idempotencyKey, idempotencyKeyField, KEY_LENGTH_MAX } from "./idempotency-key.ts";
export { BULK_BODY_BYTES_MAX, type EdgeLimits } from "./limits.ts";
export { createMetrics, type Metrics } from "./metrics.ts";
export { apiCheck, type ReadinessCheck } from "./operations.ts";
export { type ProblemCode, problemKind } from "./problem-codes.ts";
export type { QuotaPolicies } from "./quotas.ts";
export { type Example, examples } from "./reference/examples.ts";
export {
  followRevocations,
  type RevocationList,
  type RevocationTuning,
} from "./revocation-list.ts";
export { embeddedSessions, type Identity, openIdentity, readKeyFile, type TokenSessions } from "./token-file.ts";
export { bodyFault, compileCheck, listedFaults, type Misfit, validatorCompiler } from "./validation.ts";

export { callerOf } from "./auth.ts";
export { type JsonObject, NESTING_MAX, parseBody } from "./body.ts";
export { holdsCardNumber, isAsciiSeparator } from "./card-numbers.ts";
export { commandAnswers, positionsPattern, problemAnswers } from "./documented-answers.ts";
export { createEdge, type EdgeOptions } from "./edge.ts";
export * from "./field-schemas.ts";
export { idempotencyKey, idempotencyKeyField, isIdempotencyKey, KEY_LENGTH_MAX } from "./idempotency-key.ts";
export { BODY_BYTES_MAX, BULK_BODY_BYTES_MAX, type EdgeLimits, edgeLimits } from "./limits.ts";
export { createMetrics, type Metrics } from "./metrics.ts";
export * from "./object-schemas.ts";
export type { MetricsAccess, ReadinessCheck } from "./operations.ts";
export { type ProblemCode, problemKind, problemKinds } from "./problem-codes.ts";
export {
  eventInstance,
  type FieldFault,
  Problem,
  problemBody,
  problemContentType,
  rejectionProblem,
  requestInstance,
} from "./problems.ts";
export { type Example, examples } from "./reference/examples.ts";
export { fileAuthenticator, readKeyFile } from "./token-file.ts";
export {
  type Authenticator,
  authenticator,
  createSigningKeys,
  formatSigningKeys,
  isSubject,
  isTenant,
  ownerPattern,
  parseSigningKeys,
  type SigningKeys,
  signToken,
} from "./tokens.ts";
export { bodyProblem, compileCheck, listedFaults, type Misfit, validatorCompiler } from "./validation.ts";

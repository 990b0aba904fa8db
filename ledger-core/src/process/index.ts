export { allocateYoung } from "./allocation.ts";
export * from "./configuration.ts";
export { dataPaths } from "./data-paths.ts";
export { azureSettings, type EntraTarget, entraScopes } from "./entra-login.ts";
export {
  documented,
  type Environment,
  integer,
  oneOf,
  optionalSecret,
  optionalText,
  readSettings,
  type Secret,
  type Setting,
  type SettingsTable,
  type SettingValues,
  showSettings,
  textOr,
  withDefaults,
} from "./env.ts";
export { type GraphTarget, type GremlinTarget, graphPart } from "./graph-part.ts";
export * from "./identity-part.ts";
export * from "./lifecycle.ts";
export * from "./limits-part.ts";
export * from "./log.ts";
export * from "./read-model-part.ts";
export * from "./redis-part.ts";
export { makeWallClock, systemRuntime } from "./runtime.ts";
export { type RunningService, type ServiceProcess, serviceProcess } from "./service.ts";
export * from "./service-parts.ts";
export {
  type BrokerTarget,
  brokerPart,
  consumerGroupPart,
  type EventLogTarget,
  eventLogPart,
  shardsPart,
} from "./targets.ts";
export { keepTicksFast } from "./ticks.ts";

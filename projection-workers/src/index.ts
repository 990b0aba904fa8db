export { migrateModels } from "./models/migrations.ts";
export { type ModelChange, modelsProjection } from "./models/projection.ts";
export { modelsTarget } from "./models/target.ts";

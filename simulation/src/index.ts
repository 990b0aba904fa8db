export { bugNamed, plantedBugs, plantOf } from "./bugs/catalog.ts";
export type { PlantedBug } from "./bugs/planted-bug.ts";
export { type HuntResult, hunt } from "./hunt.ts";
export { nothingPlanted } from "./plant.ts";
export { bugTable, runLines, storyLines } from "./report.ts";
export { type FailedWorld, type RunResult, simulate } from "./run.ts";
export { type Shrunk, shrink } from "./shrink.ts";

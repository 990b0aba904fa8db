export { bugNamed, plantedBugs, plantOf } from "./bugs/catalog.ts";
export type { PlantedBug } from "./bugs/planted-bug.ts";
export { hunt } from "./hunt.ts";
export { nothingPlanted } from "./plant.ts";
export { bugTable, runLines, storyLines } from "./report.ts";
export { simulate } from "./run.ts";
export { shrink } from "./shrink.ts";

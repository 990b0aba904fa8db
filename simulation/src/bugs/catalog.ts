import { nothingPlanted, type Plant } from "../plant.ts";
import { decisionBugs } from "./decision-bugs.ts";
import { logBugs } from "./log-bugs.ts";
import type { PlantedBug } from "./planted-bug.ts";
import { readBugs } from "./read-bugs.ts";
import { reportedBugs } from "./reported-bugs.ts";
import { stateBugs } from "./state-bugs.ts";

/** Every bug that the simulator must find. */
export const plantedBugs: readonly PlantedBug[] = [
  ...logBugs,
  ...decisionBugs,
  ...stateBugs,
  ...readBugs,
  ...reportedBugs,
];

export function bugNamed(name: string): PlantedBug | undefined {
  return plantedBugs.find((bug) => bug.name === name);
}

/** A plant with one bug in it. */
export function plantOf(bug: PlantedBug): Plant {
  return { ...nothingPlanted, ...bug.plant() };
}

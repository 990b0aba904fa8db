import { plantOf } from "./bugs/catalog.ts";
import type { PlantedBug } from "./bugs/planted-bug.ts";
import { type FailedWorld, simulate } from "./run.ts";

/** The result of the hunt for a planted bug: the check that found it, if any. */
export type HuntResult = {
  readonly bug: PlantedBug;
  readonly check: string | undefined;
  readonly steps: number;
  readonly world: string | undefined;
  readonly failure: FailedWorld | undefined;
};

/** A bug that hides longer counts as not found. */
const HUNT_STEPS = 1_000_000;

/** Plants a bug in world after world until a check finds it. */
export async function hunt(bug: PlantedBug, seed: number, steps = HUNT_STEPS): Promise<HuntResult> {
  const { failure, ...run } = await simulate({ seed, steps, plant: () => plantOf(bug) });
  return { bug, check: failure?.result.violation.check, steps: run.steps, world: failure?.world, failure };
}

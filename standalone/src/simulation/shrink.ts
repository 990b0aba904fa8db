import { type FaultKind, faultKinds } from "./faults.ts";
import type { Plant } from "./plant.ts";
import type { FailedWorld } from "./run.ts";
import { runWorld, type WorldOptions } from "./world.ts";

/** The least that still breaks the same promise. */
export type Shrunk = {
  readonly seed: string;
  readonly faults: readonly FaultKind[];
  readonly clients: number;
  readonly steps: number;
  readonly detail: string;
  readonly story: readonly string[];
};

/** How many worlds are tried, and how many lines told. */
const ATTEMPTS = 60;
const STORY_LINES = 60;

/**
 * Tells a failure with fewer faults, fewer clients and fewer steps: each is taken away in turn, and left away if the same check
 * still fails. Then other seeds are tried with what is left, for a shorter way to the same end.
 */
export async function shrink(failed: FailedWorld, plant: () => Plant): Promise<Shrunk> {
  const { check } = failed.result.violation;
  let best: Shrunk = {
    seed: failed.world,
    faults: faultKinds.filter((kind) => failed.faults.has(kind)),
    clients: 8,
    steps: failed.result.steps,
    detail: failed.result.violation.message,
    story: failed.result.story,
  };

  /** Takes a smaller world over if it fails in the same way, in no more steps. */
  async function attempt(change: Partial<Pick<Shrunk, "seed" | "faults" | "clients">>): Promise<void> {
    const { seed, faults, clients } = { ...best, ...change };
    const options: WorldOptions = {
      seed,
      faults: new Set(faults),
      clients,
      steps: best.steps,
      plant: plant(),
      keep: 2_000,
    };
    const { violation, steps, story } = await runWorld(options);
    if (violation?.check !== check || steps > best.steps) return;
    best = { seed, faults, clients, steps, detail: violation.message, story };
  }

  for (const kind of best.faults) await attempt({ faults: best.faults.filter((other) => other !== kind) });
  for (const clients of [1, 2, 4]) if (best.clients > clients) await attempt({ clients });
  for (let index = 0; index < ATTEMPTS; index++) await attempt({ seed: `${failed.world}~${index}` });
  for (const kind of best.faults) await attempt({ faults: best.faults.filter((other) => other !== kind) });
  return { ...best, story: essence(best.story, best.detail) };
}

const faulty = /crash|pause|starts|serv|lost|held up|disk|clock|stepped|halted|cannot|stops|state file|heals|is back/;

/** The lines about what the violation names, about faults, and the last of all. */
function essence(story: readonly string[], detail: string): readonly string[] {
  const names = new Set(detail.match(/\b(?:[kb]\d+[.'\d]*|(?:acct|pay|evt)_[0-9a-z]{26}|\d+)\b/g) ?? []);
  const last = story.length - 15;
  const told = story.filter(
    (line, index) => index >= last || faulty.test(line) || line.split(/[\s:/?,]+/).some((word) => names.has(word)),
  );
  return told.slice(-STORY_LINES);
}

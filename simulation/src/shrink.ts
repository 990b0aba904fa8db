import { type FaultKind, faultKinds } from "./faults.ts";
import type { Plant } from "./plant.ts";
import { type FailedWorld, WORLD_STEPS } from "./run.ts";
import { runWorld, type WorldOptions } from "./world.ts";

/** The smallest world found that breaks the same promise. */
export type Shrunk = {
  readonly seed: string;
  readonly faults: readonly FaultKind[];
  /** Tuning constants left at their defaults, such as `writer.queueMax`. */
  readonly settings: readonly string[];
  readonly clients: number;
  readonly steps: number;
  readonly detail: string;
  readonly story: readonly string[];
};

/** Limits: worlds tried, steps in total, and lines of story. */
const ATTEMPTS = 60;
const STEPS_MAX = 1_000_000;
const STORY_LINES = 60;

/**
 * Shrinks a failure to fewer faults, drawn settings, clients and steps: removes each in turn, and keeps it out if the
 * same check still fails. Then tries other seeds for a shorter run.
 */
export async function shrink(failed: FailedWorld, plant: () => Plant): Promise<Shrunk> {
  const { violation, steps, story } = failed.result;
  const faults = faultKinds.filter((kind) => failed.faults.has(kind));
  let best: Candidate = {
    seed: failed.world,
    faults,
    defaults: [],
    drawn: failed.result.settings,
    clients: 8,
    length: Math.min(steps, WORLD_STEPS),
    steps,
    detail: violation.message,
    story,
  };
  let left = STEPS_MAX;

  /** Adopts a smaller world if it fails in the same way and, if only the seed differs, in fewer steps. */
  async function attempt(change: Partial<Candidate>): Promise<void> {
    if (left <= 0) return;
    const { seed, faults: kinds, clients, length, defaults } = { ...best, ...change };
    // Another seed must fail in fewer steps; where the best one fails before it is healed, that is all there is to run.
    const soon = change.seed !== undefined && best.steps <= length;
    const time = soon ? { steps: best.steps - 1, heals: false } : { steps: length };
    const shape = { seed, faults: new Set(kinds), defaults: new Set(defaults), clients, ...time };
    const options: WorldOptions = { ...shape, plant: plant(), keep: 2_000 };
    const result = await runWorld(options);
    left -= result.steps;
    if (result.violation?.check !== violation.check) return;
    if (change.seed !== undefined && result.steps >= best.steps) return;
    const { message: detail } = result.violation;
    const { steps, story, settings: drawn } = result;
    best = { seed, faults: kinds, defaults, drawn, clients, length, steps, detail, story };
  }
  const attemptDefaults = async () => {
    await attempt({ defaults: [...best.defaults, ...best.drawn.keys()] });
    for (const name of best.drawn.keys()) await attempt({ defaults: [...best.defaults, name] });
  };
  const attemptFewerFaults = async () => {
    for (const kind of best.faults) await attempt({ faults: best.faults.filter((other) => other !== kind) });
  };

  await attemptFewerFaults();
  await attemptDefaults();
  for (const clients of [4, 2, 1]) await attempt({ clients });
  for (const length of [2_000, 1_000, 500, 250, 120]) if (length < best.length) await attempt({ length });
  for (let index = 0; index < ATTEMPTS; index++) await attempt({ seed: `${failed.world}~${index}` });
  await attemptFewerFaults();
  const { seed, clients, detail } = best;
  const settings = [...best.drawn].map(([name, value]) => `${name} ${value}`);
  return {
    seed,
    faults: best.faults,
    settings,
    clients,
    steps: best.steps,
    detail,
    story: essence(best.story, detail),
  };
}

/** A failing world; `length` is its time under faults, in steps. */
type Candidate = Omit<Shrunk, "settings"> & {
  readonly length: number;
  readonly defaults: readonly string[];
  readonly drawn: ReadonlyMap<string, string>;
};

const faulty = /crash|pause|starts|serv|lost|held up|disk|clock|stepped|halted|cannot|stops|state file|heals|is back/;

/** The lines about faults and about what the violation names, and the last line. */
function essence(story: readonly string[], detail: string): readonly string[] {
  const names = new Set(detail.match(/\b(?:[kb]\d+[.'\d]*|(?:acct|pay|evt)_[0-9a-z]{26}|\d+)\b/g) ?? []);
  const last = story.length - 15;
  const told = story.filter(
    (line, index) => index >= last || faulty.test(line) || line.split(/[\s:/?,]+/).some((word) => names.has(word)),
  );
  return told.slice(-STORY_LINES);
}

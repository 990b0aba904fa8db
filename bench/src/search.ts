export type SearchRange = {
  /** The first rate to try; close to the highest that holds. */
  readonly guess: number;
  /** Never try a rate above this. */
  readonly most: number;
  /** The most rates to try. From 1. */
  readonly probes: number;
};

/** Raise by a quarter until a rate is missed (or lower until one is held), then bisect. */
const STEP = 1.25;

/** The highest tried rate that held; 0 if none did. */
export async function highestHeld(
  { guess, most, probes }: SearchRange,
  holds: (rate: number) => Promise<boolean>,
): Promise<number> {
  let [held, missed] = [0, Number.POSITIVE_INFINITY];
  let rate = Math.min(guess, most);
  for (let probe = 0; probe < probes; probe++) {
    if (await holds(rate)) held = rate;
    else missed = rate;
    if (held >= most) return held;
    if (missed === Number.POSITIVE_INFINITY) rate = Math.min(held * STEP, most);
    else rate = held === 0 ? missed / STEP : (held + missed) / 2;
  }
  return held;
}

export type SearchRange = {
  /** The first rate to try: held, or nearly. */
  readonly guess: number;
  /** No rate above this is tried. */
  readonly most: number;
  /** How many rates are tried at most. From 1. */
  readonly probes: number;
};

/** Steps of a quarter until a rate is held and a higher one is not; then halves of what is between them. */
const STEP = 1.25;

/** The highest of the tried rates that held; 0 when none did. */
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

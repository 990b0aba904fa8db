import { median } from "./scale.ts";

/**
 * Runs each of the named works once per round, in random order, so that disturbances of the machine hit all alike.
 * @returns the results per name, by round
 */
export async function inRounds<Name extends string, Result>(
  rounds: number,
  works: ReadonlyMap<Name, () => Promise<Result>>,
  random: () => number = Math.random,
): Promise<(name: Name) => readonly Result[]> {
  const results = new Map<Name, Result[]>();
  for (let round = 0; round < rounds; round++) {
    for (const [name, work] of shuffled([...works], random)) {
      results.set(name, [...(results.get(name) ?? []), await work()]);
    }
  }
  return (name) => results.get(name) ?? [];
}

/** The items in random order, each sorted by a random number. */
export function shuffled<Item>(items: readonly Item[], random: () => number): Item[] {
  const drawn = items.map((item) => ({ item, at: random() }));
  return drawn.sort((a, b) => a.at - b.at).map(({ item }) => item);
}

/** The median of one measure over results. */
export function medianOf<Result>(results: readonly Result[], measure: (result: Result) => number): number {
  return median(results.map(measure));
}

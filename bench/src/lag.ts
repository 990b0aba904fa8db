/** The revisions of the log and of each projection at one moment. */
export type LagSample = {
  readonly atSeconds: number;
  readonly head: number;
  readonly projections: Readonly<Record<string, number>>;
};

/** Per projection, its lag in seconds. */
export type Lags = Readonly<Record<string, number>>;

/**
 * Each projection's lag at the last sample: the time since the log's head was where the projection is now, interpolated
 * linearly between samples. 0 at the head.
 */
export function lagsAt(samples: readonly LagSample[]): Lags {
  const last = samples.at(-1);
  if (last === undefined) return {};
  return Object.fromEntries(
    Object.entries(last.projections).map(([name, revision]) => [name, lagOf(samples, last, revision)]),
  );
}

function lagOf(samples: readonly LagSample[], last: LagSample, revision: number): number {
  if (revision >= last.head) return 0;
  const after = samples.findIndex(({ head }) => head > revision);
  const [before, next] = [samples[after - 1], samples[after]];
  if (next === undefined) return 0;
  if (before === undefined) return last.atSeconds - next.atSeconds;
  const share = (revision - before.head) / (next.head - before.head);
  return last.atSeconds - (before.atSeconds + share * (next.atSeconds - before.atSeconds));
}

/** The largest lag of any projection at any sample, in seconds. */
export function mostThroughout(samples: readonly LagSample[]): number {
  return Math.max(0, ...samples.map((_, n) => mostOf(lagsAt(samples.slice(0, n + 1)))));
}

export function mostOf(lags: Lags): number {
  return Math.max(0, ...Object.values(lags));
}

/** Windows of a soak, each with the value of a series and the seconds since the start. */
export type Windows<Name extends string> = readonly Readonly<Record<Name | "atSeconds", number>>[];

/** `drift`: the rise of a fitted line over the second half, relative to the mean there. */
export type Flatness<Name extends string> = {
  readonly name: Name;
  readonly mean: number;
  readonly drift: number;
  readonly verdict: "flat" | "rises" | "falls" | "too few samples";
};

/** A series that changes by more than this share of itself in the second half is not flat. */
const DRIFT_MAX = 0.1;
/** With fewer samples in the second half there is no verdict. */
const SAMPLES_MIN = 3;

/** Judges a series by its second half, since the first fills caches and warms up code. */
export function flatness<Name extends string>(name: Name, samples: Windows<Name>): Flatness<Name> {
  const half = samples.slice(Math.floor(samples.length / 2));
  const points = half.map((sample) => ({ x: sample.atSeconds, y: sample[name] }));
  const meanX = mean(points.map(({ x }) => x));
  const meanY = mean(points.map(({ y }) => y));
  const spread = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  const slope = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0) / spread;
  const span = (points.at(-1)?.x ?? 0) - (points[0]?.x ?? 0);
  const drift = meanY === 0 ? 0 : (slope * span) / meanY;
  return { name, mean: meanY, drift, verdict: verdictOn(drift, points.length) };
}

function verdictOn(drift: number, samples: number): Flatness<string>["verdict"] {
  if (samples < SAMPLES_MIN) return "too few samples";
  if (Math.abs(drift) <= DRIFT_MAX) return "flat";
  return drift > 0 ? "rises" : "falls";
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

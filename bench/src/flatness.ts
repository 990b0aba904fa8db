import type { Stalls } from "./servers/stalls.ts";

/** One window of a soak. */
export type Sample = Stalls & {
  readonly atSeconds: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /**
   * The server's CPU time per payment. Every window has the same work: if this rises with the latencies for a while,
   * the machine was slower.
   */
  readonly cpuUs: number;
  /** Share of the machine's CPU time that its host gave to others; 0 if unknown. */
  readonly stolen: number;
  readonly rssBytes: number;
  readonly logBytes: number;
  readonly stateBytes: number;
  /** Write-ahead logs of both. */
  readonly walBytes: number;
};
export const seriesNames = [
  "perSecond",
  "p50Ms",
  "p99Ms",
  "cpuUs",
  "rssBytes",
  "logBytes",
  "stateBytes",
  "walBytes",
] as const;
export type SeriesName = (typeof seriesNames)[number];

/** `drift`: the rise of a fitted line over the second half, relative to the mean there. */
export type Flatness = {
  readonly name: SeriesName;
  readonly mean: number;
  readonly drift: number;
  readonly verdict: "flat" | "rises" | "falls" | "too few samples";
};

/** A series that changes by more than this share of itself in the second half is not flat. */
const DRIFT_MAX = 0.1;
/** With fewer samples in the second half there is no verdict. */
const SAMPLES_MIN = 3;

/** Judges a series by its second half, since the first fills caches and warms up code. */
export function flatness(name: SeriesName, samples: readonly Sample[]): Flatness {
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

function verdictOn(drift: number, samples: number): Flatness["verdict"] {
  if (samples < SAMPLES_MIN) return "too few samples";
  if (Math.abs(drift) <= DRIFT_MAX) return "flat";
  return drift > 0 ? "rises" : "falls";
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The sizes of a folder's files, by kind. */
export function sizesOf(files: Readonly<Record<string, number>>): Pick<Sample, "logBytes" | "stateBytes" | "walBytes"> {
  const sum = (of: (file: string) => boolean) =>
    Object.entries(files).reduce((total, [file, bytes]) => total + (of(file) ? bytes : 0), 0);
  const isWal = (file: string) => file.endsWith("-wal");
  const isState = (file: string) => file.startsWith("state");
  return {
    walBytes: sum(isWal),
    stateBytes: sum((file) => isState(file) && !isWal(file)),
    logBytes: sum((file) => !isState(file) && !isWal(file)),
  };
}

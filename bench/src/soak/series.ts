import { columns, shorten } from "../report.ts";
import { type Flatness, flatness, type Windows } from "./flatness.ts";

/** A value that a soak samples in every window. */
export type Series<Name extends string> = {
  readonly name: Name;
  /** The head of its column. */
  readonly title: string;
  /** How much of the sampled unit the column counts as one. Default: 1. */
  readonly unit?: number;
  /** Its name in the final table; without one it is not judged. */
  readonly judged?: string;
  /** It grows with the history. */
  readonly grows?: boolean;
};

export const MIB = 2 ** 20;
export const PERCENT = 0.01;

type Sampled<Name extends string> = Windows<Name>[number];

export function headOf<Name extends string>(series: readonly Series<Name>[]): string {
  return line(["s", ...series.map(({ title }) => title)]);
}

export function lineOf<Name extends string>(series: readonly Series<Name>[], sample: Sampled<Name>): string {
  const values = series.map(({ name, unit = 1 }) => shorten(sample[name] / unit));
  return line([String(Math.round(sample.atSeconds)), ...values]);
}

function line(cells: readonly string[]): string {
  return cells.map((cell) => cell.padStart(10)).join(" ");
}

/** Judges each series that has a name for the final table, and prints that table. */
export function judge<Name extends string>(
  series: readonly Series<Name>[],
  samples: Windows<Name>,
): { readonly verdicts: readonly Flatness<Name>[]; readonly table: string } {
  const judged = series.flatMap((one) => (one.judged === undefined ? [] : [{ ...one, judged: one.judged }]));
  const verdicts = judged.map(({ name }) => flatness(name, samples));
  const rows = judged.map(({ judged: words, grows }, i) => {
    const { mean = Number.NaN, drift = Number.NaN, verdict = "too few samples" } = verdicts[i] ?? {};
    const change = `${drift >= 0 ? "+" : ""}${(100 * drift).toFixed(1)} %`;
    return [words, shorten(mean), change, grows ? `${verdict}, as it must` : verdict];
  });
  return { verdicts, table: columns(["series", "mean of the second half", "change over it", ""], rows) };
}

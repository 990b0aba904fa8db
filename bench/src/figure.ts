/** One measured figure with its target, floor and peers; each ratio is the figure over the other value. */
export type Figure = {
  /** Its target in docs/performance.md, or `floor`. */
  readonly id: string;
  readonly what: string;
  readonly unit: string;
  readonly value: number;
  readonly target: number | null;
  /** Whether a larger value is better. */
  readonly more: boolean;
  readonly beside: readonly Beside[];
  readonly note: string;
};

/** A floor or a peer, measured in the same unit and in the same run unless its name says otherwise. */
export type Beside = { readonly name: string; readonly value: number };

type Measured = Pick<Figure, "value" | "unit"> & {
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly beside?: readonly Beside[];
  readonly note?: string;
};

/** Makes a figure; `atLeast` or `atMost` is its target. */
export function figure(id: string, what: string, measured: Measured): Figure {
  const { value, unit, atLeast, atMost, beside = [], note = "" } = measured;
  return { id, what, unit, value, target: atLeast ?? atMost ?? null, more: atLeast !== undefined, beside, note };
}

/** The same measure of another build, if it was measured and available. */
export function otherBuild<Result>(other: Result | undefined, measure: (result: Result) => number): Beside[] {
  const value = other === undefined ? Number.NaN : measure(other);
  return value > 0 ? [{ name: "the other build", value }] : [];
}

/** Whether a figure meets its target; null if it has none. */
export function met(figure: Figure): boolean | null {
  if (figure.target === null) return null;
  return figure.more ? figure.value >= figure.target : figure.value <= figure.target;
}

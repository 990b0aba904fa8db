/** One measured figure beside its target, its floor and its peers; ratios are figure over other. */
export type Figure = {
  readonly id: string;
  readonly what: string;
  readonly unit: string;
  readonly value: number;
  readonly target: number | null;
  /** Whether a larger value is better. */
  readonly more: boolean;
  readonly beside: readonly { readonly name: string; readonly value: number }[];
  readonly note: string;
};

export function met(figure: Figure): boolean | null {
  if (figure.target === null) return null;
  return figure.more ? figure.value >= figure.target : figure.value <= figure.target;
}

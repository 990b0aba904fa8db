/** How much each figure is measured with: the full run, or one that ends within two minutes. */
export type Scale = {
  readonly kind: "full" | "quick";
  readonly seconds: number;
  readonly accounts: number;
  readonly bulkPayments: number;
  readonly bulkAccounts: number;
  readonly historyEntries: number;
  readonly rounds: number;
};

export const scales = {
  full: {
    ...{ kind: "full", seconds: 15, accounts: 10_000, rounds: 3 },
    ...{ bulkPayments: 10_000_000, bulkAccounts: 1_000_000, historyEntries: 10_000_000 },
  },
  quick: {
    ...{ kind: "quick", seconds: 4, accounts: 10_000, rounds: 1 },
    ...{ bulkPayments: 500_000, bulkAccounts: 20_000, historyEntries: 200_000 },
  },
} as const satisfies Record<string, Scale>;

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

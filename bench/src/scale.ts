/** The size of the measurements: a run within 25 minutes, the full sizes of the targets, or a quick look. */
export type Scale = {
  readonly kind: "standard" | "full" | "quick";
  /** Seconds per load. */
  readonly seconds: number;
  /** Rounds per load; the median counts. */
  readonly rounds: number;
  readonly accounts: number;
  readonly bulkPayments: number;
  readonly bulkAccounts: number;
  /** Of the long histories, each beside a short one. */
  readonly historyEntries: readonly number[];
  /** Of the history on a replica. */
  readonly replicaEntries: number;
  /** How often each page of a history is requested. */
  readonly historyTurns: number;
  /** Payments for the projections to catch up with. */
  readonly behindPayments: number;
  /** Events to rebuild the read models from, among `bulkAccounts` and among `accounts`. */
  readonly rebuildEvents: number;
  readonly smallRebuildEvents: number;
  /** Accounts of P2w. */
  readonly floodAccounts: number;
  /** Seconds per run of P1w and P2w, and the number of rates to try. */
  readonly steadySeconds: number;
  readonly steadyProbes: number;
};

export const scales = {
  standard: {
    ...{ kind: "standard", seconds: 8, accounts: 10_000, rounds: 2 },
    ...{
      bulkPayments: 2_000_000,
      bulkAccounts: 1_000_000,
      historyEntries: [10_000_000],
      replicaEntries: 1_000_000,
      historyTurns: 2000,
    },
    ...{
      behindPayments: 400_000,
      rebuildEvents: 2_000_000,
      smallRebuildEvents: 600_000,
      floodAccounts: 20_000,
      steadySeconds: 20,
      steadyProbes: 3,
    },
  },
  full: {
    ...{ kind: "full", seconds: 15, accounts: 10_000, rounds: 3 },
    ...{
      bulkPayments: 10_000_000,
      bulkAccounts: 1_000_000,
      historyEntries: [10_000_000, 50_000_000],
      replicaEntries: 10_000_000,
      historyTurns: 5000,
    },
    ...{
      behindPayments: 1_000_000,
      rebuildEvents: 10_000_000,
      smallRebuildEvents: 1_000_000,
      floodAccounts: 20_000,
      steadySeconds: 60,
      steadyProbes: 5,
    },
  },
  quick: {
    ...{ kind: "quick", seconds: 3, accounts: 10_000, rounds: 1 },
    ...{
      bulkPayments: 400_000,
      bulkAccounts: 20_000,
      historyEntries: [200_000],
      replicaEntries: 100_000,
      historyTurns: 800,
    },
    ...{
      behindPayments: 60_000,
      rebuildEvents: 80_000,
      smallRebuildEvents: 80_000,
      floodAccounts: 2_000,
      steadySeconds: 5,
      steadyProbes: 2,
    },
  },
} as const satisfies Record<string, Scale>;

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

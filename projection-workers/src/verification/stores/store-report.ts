import { setTimeout } from "node:timers/promises";
import { isLedgerError, type Position, type Revision, type Shard } from "ledger-core";
import type { EventSource } from "ledger-core/event-log";
import type { ExpectedBuild, StoreGroup } from "../../projections/store-group.ts";
import { type RowFinding, unreadableCodes } from "../../rebuild/verify.ts";
import type { VerifyTuning } from "../verification.ts";
import { differenceOfFigures, type LedgerFigures, tallyFigures } from "./figures.ts";
import { tallyRows } from "./row-figures.ts";

export type StoresTuning = VerifyTuning & {
  /**
   * How long to wait for stores that have not reached the log's head of the start, in ms. 0 to 600,000. Default 30,000.
   */
  readonly waitMs: number;
};

/** How one store compares with the log. */
export type StoreReport = {
  readonly store: string;
  /** `unknown`: it could not be compared, or not up to the log's head. */
  readonly verdict: "equal" | "differs" | "unreadable" | "unknown";
  /** In words. */
  readonly detail: string;
  /** Where the store was when it was compared. */
  readonly positions: readonly Position[];
  readonly rows: number;
  readonly differing: number;
  readonly first: FirstDifference | null;
  readonly findings: readonly RowFinding[];
  /** Of a store that holds entries. */
  readonly figures: LedgerFigures | null;
};

/** The first cell or row in which a store differs. */
export type FirstDifference = {
  readonly table: string;
  /** The values of the key, separated by `/`. */
  readonly key: string;
  /** Null where a whole row is missing or surplus. */
  readonly column: string | null;
  readonly expected: unknown;
  readonly found: unknown;
  readonly account: string | null;
  /** The event that made the row, and where it is in the log. */
  readonly event: string | null;
  readonly position: Position | null;
};

export const noReport = {
  ...{ detail: "", positions: [], rows: 0, differing: 0, first: null, findings: [], figures: null },
};

export function failedReport(store: string, error: unknown): StoreReport {
  if (!isLedgerError(error)) throw error;
  const { code, message, position } = error;
  const detail = `${code}: ${message}`;
  if (code !== "log_corrupt" && !unreadableCodes.has(code)) return { ...noReport, store, verdict: "unknown", detail };
  const first = position && {
    ...nothingNamed,
    table: "events",
    key: `${position.shard}/${position.revision}`,
    position,
  };
  return { ...noReport, store, verdict: "unreadable", detail, first: first ?? null };
}

const nothingNamed = { column: null, expected: null, found: null, account: null, event: null };

type CompareStoreOptions = {
  readonly log: EventSource;
  readonly shards: readonly Shard[];
  readonly tuning: StoresTuning;
  readonly group: StoreGroup;
  readonly store: string;
  readonly expected: ExpectedBuild;
  /** How far `expected` is: a store is compared once it has reached that. */
  readonly reached: readonly Position[];
  /** How many events of the log the store lacked after the wait. */
  readonly behind: number;
  readonly upTo: ReadonlyMap<Shard, Revision>;
  /** The log's figures up to `upTo`. */
  readonly figures: LedgerFigures;
};

/** Compares a store with the log, and its figures too; repeats what fails for a passing reason, within bounds. */
export async function compareStore(options: CompareStoreOptions): Promise<StoreReport> {
  const { store, tuning } = options;
  const untilMs = performance.now() + tuning.waitMs;
  while (true) {
    try {
      const lag = await lagOf(options);
      if (lag === 0) return await compareNow(options);
      if (performance.now() > untilMs)
        return { ...noReport, store, verdict: "unknown", detail: `${lag} events behind the store compared before it` };
    } catch (error) {
      if (!isLedgerError(error) || !error.retryable || performance.now() > untilMs) return failedReport(store, error);
    }
    await setTimeout(POLL_MS);
  }
}

const POLL_MS = 100;

async function lagOf({ group, store, shards, reached }: CompareStoreOptions): Promise<number> {
  const positions = await group.positions(store, shards);
  const at = new Map(positions.map(({ shard, revision }) => [shard, revision]));
  return reached.reduce((sum, { shard, revision }) => sum + Math.max(0, revision - (at.get(shard) ?? revision)), 0);
}

async function compareNow(options: CompareStoreOptions): Promise<StoreReport> {
  const { expected, store, upTo, log, shards, tuning, behind } = options;
  const tally = tallyFigures(upTo);
  const observe = tallyRows(tally);
  const { fillMax, pauseMs } = tuning;
  const results = await expected.compare(store, { log, shards, fillMax, pauseMs, observe });
  const rows = results.reduce((sum, result) => sum + result.rows, 0);
  const differing = results.reduce((sum, result) => sum + result.differing, 0);
  const findings = results.flatMap((result) => result.findings);
  const faults = results.flatMap((result) => result.faults);
  const holdsEntries = results.some(({ projection }) => projection === "models");
  const figures = holdsEntries ? tally.figures() : null;
  const disagreement = figures && faults.length === 0 ? differenceOfFigures(figures, options.figures) : undefined;
  const [finding] = findings;
  return {
    ...{ store, rows, differing, findings, figures },
    ...verdictOf({ faults, differing, disagreement, rows, behind }),
    positions: results[0]?.positions ?? [],
    first: finding ? firstOf(finding) : null,
  };
}

type Judged = {
  readonly faults: readonly string[];
  readonly differing: number;
  readonly disagreement: string | undefined;
  readonly rows: number;
  readonly behind: number;
};

function verdictOf({ faults, differing, disagreement, rows, behind }: Judged): Pick<StoreReport, "verdict" | "detail"> {
  if (faults.length > 0) return { verdict: "unreadable", detail: faults.join("; ") };
  if (differing > 0) return { verdict: "differs", detail: `${differing} of ${rows} rows differ from the log` };
  if (disagreement !== undefined) return { verdict: "differs", detail: disagreement };
  const equal = `${rows} rows equal the log`;
  if (behind > 0) return { verdict: "unknown", detail: `${equal}, and ${behind} events of the log are missing yet` };
  return { verdict: "equal", detail: equal };
}

function firstOf({ table, key, kind, fields, live, right, account, event, position }: RowFinding): FirstDifference {
  const named = { table, key, account, event, position };
  const column = fields[0];
  if (kind !== "changed" || column === undefined) return { ...named, column: null, expected: right, found: live };
  return { ...named, column, expected: right?.[column], found: live?.[column] };
}

import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { isLedgerError, NO_REVISION, type Position, type Revision, type Shard } from "ledger-core";
import type { EventSource } from "ledger-core/event-log";
import type { MirrorSource } from "ledger-core/kafka";
import { decodeOnce } from "../../consumer/application.ts";
import type { ExpectedBuild, StoreGroup } from "../../projections/store-group.ts";
import type { ComparedStore } from "./compared-store.ts";
import { type FiguresTally, type LedgerFigures, tallyFigures } from "./figures.ts";
import { compareWithMirror } from "./mirror-report.ts";
import { compareStore, failedReport, type StoreReport, type StoresTuning } from "./store-report.ts";

export type VerifyStoresOptions = {
  readonly log: EventSource;
  readonly shards: readonly Shard[];
  readonly mirror?: MirrorSource;
  readonly groups: readonly StoreGroup[];
  /** Stores of forms of their own, such as exported tables. */
  readonly others?: readonly ComparedStore[];
  /** A folder with room for a second build of the read models. */
  readonly scratch: string;
  readonly tuning: StoresTuning;
  readonly tell?: (text: string) => void;
};

/** The result of comparing all stores with the log. */
export type StoresReport = {
  /** `unknown`: nothing differs, but not everything could be compared up to the log's head. */
  readonly verdict: "equal" | "differs" | "unknown";
  /** The positions up to which the figures add up; every store that could be read had reached them. */
  readonly positions: readonly Position[];
  readonly log: LedgerFigures | null;
  readonly stores: readonly StoreReport[];
};

const POLL_MS = 100;

/**
 * Compares every store with the log, row for row. Reads the log once into scratch files that each group of stores is
 * then compared with, a store at a time, at the store's own position and in one snapshot of it; the scratch files
 * follow the log meanwhile. Nothing is locked or changed, and nothing but the scratch files grows with the history.
 */
export async function verifyStores(options: VerifyStoresOptions): Promise<StoresReport> {
  const { log, shards, groups, mirror, others = [], tell = () => undefined } = options;
  const heads = new Map<Shard, Revision>();
  try {
    for (const shard of shards) heads.set(shard, await log.head(shard));
  } catch (error) {
    return reportOf([], null, [failedReport("log", error)]);
  }
  tell("waiting until the stores have reached the log's head");
  const { upTo, order, lags } = await meetStores(options, heads);
  const positions = [...upTo].map(([shard, revision]) => ({ shard, revision }));
  const tally = tallyFigures(upTo);
  const folder = mkdtempSync(join(options.scratch, ".verify-stores-"));
  const builds = new Map<StoreGroup, ExpectedBuild>();
  const reports: StoreReport[] = [];
  try {
    for (const [nth, group] of groups.entries())
      builds.set(group, await group.openExpected(join(folder, `${nth}.sqlite`)));
    tell("reading the log");
    try {
      await readLog(options, upTo, [...builds.values()], tally);
      await readRest(options, upTo, heads);
    } catch (error) {
      return reportOf(positions, null, [failedReport("log", error)]);
    }
    const figures = tally.figures();
    if (mirror) {
      tell("comparing the mirror");
      reports.push(await compareWithMirror(log, mirror, heads, options.tuning.waitMs));
    }
    for (const [group, expected] of builds) {
      let reached: readonly Position[] = positions;
      for (const { store, behind } of order.filter((turn) => turn.group === group)) {
        tell(`comparing ${store}`);
        const turn = { group, store, expected, reached, behind, upTo, figures };
        const report = await compareStore({ ...options, ...turn });
        if (report.positions.length > 0) reached = report.positions;
        reports.push(report);
      }
    }
    for (const one of others) {
      tell(`comparing ${one.store}`);
      const behind = lags.get(one) ?? 0;
      const report = one.compare({ shards, behind, upTo, figures }).catch((error) => failedReport(one.store, error));
      reports.push(await report);
    }
    return reportOf(positions, figures, reports);
  } finally {
    for (const build of builds.values()) await build.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function reportOf(
  positions: readonly Position[],
  log: LedgerFigures | null,
  stores: readonly StoreReport[],
): StoresReport {
  const differs = stores.some(({ verdict }) => verdict === "differs" || verdict === "unreadable");
  const equal = stores.every(({ verdict }) => verdict === "equal");
  return { verdict: differs ? "differs" : equal ? "equal" : "unknown", positions, log, stores };
}

/** A store in its turn. `behind`: how many events of the log it lacked after the wait. */
type StoreTurn = { readonly group: StoreGroup; readonly store: string; readonly behind: number };

type Meeting = {
  /** The positions that all stores have reached. */
  readonly upTo: ReadonlyMap<Shard, Revision>;
  /**
   * The stores of each group from the hindmost to the foremost: the build that they are compared with only advances.
   */
  readonly order: readonly StoreTurn[];
  /** How many events of the log the other stores lack. */
  readonly lags: ReadonlyMap<ComparedStore, number>;
};

/** Waits until the stores have reached the log's head, within bounds. */
async function meetStores(
  { groups, others = [], shards, tuning }: VerifyStoresOptions,
  heads: ReadonlyMap<Shard, Revision>,
): Promise<Meeting> {
  const upTo = new Map(heads);
  const order: StoreTurn[] = [];
  const lags = new Map<ComparedStore, number>();
  const untilMs = performance.now() + tuning.waitMs;
  async function lagAfterWait(read: () => Promise<readonly Position[]>): Promise<number> {
    let positions = await positionsOrNone(read);
    while (positions && lacking(positions, heads) > 0 && performance.now() < untilMs) {
      await setTimeout(POLL_MS);
      positions = await positionsOrNone(read);
    }
    for (const { shard, revision } of positions ?? [])
      upTo.set(shard, Math.min(revision, upTo.get(shard) ?? NO_REVISION));
    return positions ? lacking(positions, heads) : 0;
  }
  for (const group of groups) {
    const turns: StoreTurn[] = [];
    for (const store of group.stores)
      turns.push({ group, store, behind: await lagAfterWait(() => group.positions(store, shards)) });
    order.push(...turns.sort((one, other) => other.behind - one.behind));
  }
  for (const one of others) lags.set(one, await lagAfterWait(() => one.positions(shards)));
  return { upTo, order, lags };
}

/** Undefined for a store that cannot be read: its comparison says why. */
async function positionsOrNone(read: () => Promise<readonly Position[]>) {
  return read().catch((error: unknown) => {
    if (isLedgerError(error)) return undefined;
    throw error;
  });
}

function lacking(positions: readonly Position[], heads: ReadonlyMap<Shard, Revision>): number {
  return positions.reduce((sum, { shard, revision }) => sum + Math.max(0, (heads.get(shard) ?? 0) - revision), 0);
}

/** Reads the log once, up to these positions, for every group and for the figures. */
async function readLog(
  { log, tuning }: VerifyStoresOptions,
  upTo: ReadonlyMap<Shard, Revision>,
  builds: readonly ExpectedBuild[],
  tally: FiguresTally,
): Promise<void> {
  for (const [shard, revision] of upTo) {
    if (revision === NO_REVISION) continue;
    for await (const events of log.read(shard, 0, { limit: revision + 1 })) {
      for (let from = 0; from < events.length; from += tuning.fillMax) {
        const part = events.slice(from, from + tuning.fillMax);
        for (const event of part) tally.event(decodeOnce(event));
        for (const build of builds) await build.apply(shard, part);
        if (tuning.pauseMs > 0) await setTimeout(tuning.pauseMs);
      }
    }
  }
}

/**
 * Reads what the log says it has beyond these positions. A store that lacks it may only be behind, or may wait for
 * events that nobody can read.
 */
async function readRest(
  { log }: VerifyStoresOptions,
  upTo: ReadonlyMap<Shard, Revision>,
  heads: ReadonlyMap<Shard, Revision>,
): Promise<void> {
  for (const [shard, head] of heads) {
    const from = (upTo.get(shard) ?? NO_REVISION) + 1;
    if (from > head) continue;
    for await (const events of log.read(shard, from, { limit: head + 1 - from }))
      for (const event of events) decodeOnce(event);
  }
}

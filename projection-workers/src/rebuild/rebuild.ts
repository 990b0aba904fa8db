import { setTimeout } from "node:timers/promises";
import { NO_REVISION, type Projection, type ProjectionTarget, type Revision, type Shard } from "ledger-core";
import type { EventLog } from "ledger-core/event-log";
import type { Logger } from "ledger-core/process";
import { applyEvents } from "../consumer/application.ts";
import { gather } from "../consumer/gathering.ts";
import type { Comparison } from "./comparison.ts";

/** A store in which a projection can be built a second time beside the build that is served. */
export type RebuildableStore<Change> = {
  readonly projection: Projection<Change>;
  /** The build that is served. */
  readonly live: ProjectionTarget<Change>;
  /** Creates the empty tables of the next build; what a rebuild that was broken off has left is dropped. */
  begin(): Promise<NextBuild<Change>>;
};

/** Brings a build up to and with a revision, from the log. */
export type Reach<Change> = (target: ProjectionTarget<Change>, shard: Shard, upTo: Revision) => Promise<void>;

export type NextBuild<Change> = {
  readonly version: number;
  readonly target: ProjectionTarget<Change>;
  /** Compares with the live build as it was at one moment, both at that moment's positions; the live one goes on meanwhile. */
  compare(shards: readonly Shard[], reach: Reach<Change>): Promise<Comparison>;
  /** With the live build at rest: brings this one to the same positions, serves it by one row, and drops the other. */
  serve(shards: readonly Shard[], reach: Reach<Change>): Promise<void>;
  discard(): Promise<void>;
};

/** A build in a store of its own beside the live one, which is only read: to compare the two, and be thrown away. */
export type ShadowBuild<Change> = {
  readonly projection: Projection<Change>;
  readonly target: ProjectionTarget<Change>;
  /** How far the live build has come. */
  checkpoint(shard: Shard): Promise<Revision>;
  /** As a next build's. @throws store_damaged, row_unreadable */
  compare(shards: readonly Shard[], reach: Reach<Change>): Promise<Comparison>;
  /** What the store finds wrong with its own file. */
  faults(): Promise<readonly string[]>;
};

export type RebuildOptions = {
  readonly log: EventLog;
  readonly shards: readonly Shard[];
  readonly logger: Logger;
  /** Gives up; the live build stays as it is. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: RebuildProgress) => void;
};

/** `done` of `total` events while it is filling; the other steps have no measure. */
export type RebuildProgress = {
  readonly step: "filling" | "comparing" | "switching";
  readonly done: number;
  readonly total: number;
};

export type RebuildResult = { readonly version: number; readonly events: number; readonly comparison: Comparison };

/**
 * Builds a projection anew from the log beside the live one, while that is served and goes on; compares the two row for row at one
 * position, and switches. Differences do not keep it from switching, since the log is what is true: they are logged and answered.
 * @throws LedgerError of the log or the store, poison_event among them: the live build stays
 */
export async function rebuild<Change>(
  store: RebuildableStore<Change>,
  options: RebuildOptions,
): Promise<RebuildResult> {
  const { shards, logger, signal, onProgress } = options;
  const { projection } = store;
  const heads = new Map<Shard, Revision>();
  for (const shard of shards) heads.set(shard, await store.live.checkpoint(shard));
  const next = await store.begin();
  const reached = new Map<Shard, Revision>();
  const report = (step: RebuildProgress["step"]) =>
    onProgress?.({ step, done: count(reached), total: Math.max(count(heads), count(reached)) });

  const reach = reacher(projection, options, (shard, at) => {
    reached.set(shard, at);
    report("filling");
  });

  try {
    for (const shard of shards) await reach(next.target, shard, heads.get(shard) ?? NO_REVISION);
    report("comparing");
    const comparison = await next.compare(shards, reach);
    if (comparison.differing > 0) logger.error({ projection: projection.name, ...comparison }, "a rebuild differs");
    signal?.throwIfAborted();
    report("switching");
    await next.serve(shards, reach);
    const result = { version: next.version, events: count(reached), comparison };
    logger.info({ projection: projection.name, version: result.version, events: result.events }, "projection rebuilt");
    return result;
  } catch (error) {
    await next.discard();
    throw error;
  }
}

export type FillOptions = Pick<RebuildOptions, "log" | "signal"> & {
  /** Events of one transaction while filling. 1 to 100,000. Default 10,000. */
  readonly fillMax?: number;
  /** The pause after each, for work that is in no hurry, in ms. 0 to 1000. Default 0. */
  readonly pauseMs?: number;
};

/** Fills builds of a projection from the log. */
export function reacher<Change>(
  projection: Projection<Change>,
  { log, signal, fillMax = 10_000, pauseMs = 0 }: FillOptions,
  onReached: (shard: Shard, at: Revision) => void,
): Reach<Change> {
  return async (target, shard, upTo) => {
    let at = await target.checkpoint(shard);
    if (at >= upTo) return;
    for await (const { events } of gather(deliver(log, shard, at + 1, upTo), fillMax)) {
      signal?.throwIfAborted();
      at = await applyEvents({ shard, projection, target, batchMax: fillMax }, at, events);
      onReached(shard, at);
      if (pauseMs > 0) await setTimeout(pauseMs);
    }
  };
}

function count(revisions: ReadonlyMap<Shard, Revision>): number {
  return [...revisions.values()].reduce((sum, revision) => sum + revision + 1, 0);
}

async function* deliver(log: EventLog, shard: Shard, from: Revision, upTo: Revision) {
  for await (const events of log.read(shard, from, { limit: upTo - from + 1 })) {
    yield { kind: "events", events } as const;
  }
}

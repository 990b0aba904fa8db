import { setTimeout } from "node:timers/promises";
import type { Projection, ProjectionTarget, Revision, Shard } from "ledger-core";
import type { EventSource } from "ledger-core/event-log";
import { applyEvents } from "../consumer/application.ts";
import { gather } from "../consumer/gathering.ts";

export type FillOptions = {
  readonly log: EventSource;
  /** Aborts between two transactions. */
  readonly signal?: AbortSignal;
  /** Events of one transaction while filling. 1 to 100,000. Default 10,000. */
  readonly fillMax?: number;
  /** The pause after each transaction, for background work, in ms. 0 to 1000. Default 0. */
  readonly pauseMs?: number;
};

/** Brings a build up to a revision, inclusive, from the log. */
export type Fill<Change> = (build: ProjectionTarget<Change>, shard: Shard, upTo: Revision) => Promise<void>;

export function makeFiller<Change>(
  projection: Projection<Change>,
  { log, signal, fillMax = 10_000, pauseMs = 0 }: FillOptions,
  onReached: (shard: Shard, revision: Revision) => void,
): Fill<Change> {
  return async (build, shard, upTo) => {
    let at = await build.checkpoint(shard);
    if (at >= upTo) return;
    for await (const { events } of gather(deliver(log, shard, at + 1, upTo), () => fillMax)) {
      signal?.throwIfAborted();
      at = await applyEvents({ shard, projection, target: build, batchMax: () => fillMax }, at, events);
      onReached(shard, at);
      if (pauseMs > 0) await setTimeout(pauseMs);
    }
  };
}

/** The number of events up to these revisions, over all shards. */
export function eventsUpTo(revisions: ReadonlyMap<Shard, Revision>): number {
  return [...revisions.values()].reduce((sum, revision) => sum + revision + 1, 0);
}

async function* deliver(log: EventSource, shard: Shard, from: Revision, upTo: Revision) {
  for await (const events of log.read(shard, from, { limit: upTo - from + 1 })) {
    yield { kind: "events", events } as const;
  }
}

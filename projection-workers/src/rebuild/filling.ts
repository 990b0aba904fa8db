import { isLedgerError, type Projection, type ProjectionTarget, type Revision, type Shard } from "ledger-core";
import type { EventSource } from "ledger-core/event-log";
import { type Logger, systemRuntime } from "ledger-core/process";
import { applyEvents } from "../consumer/application.ts";
import { passes } from "../consumer/consumer.ts";
import { gather } from "../consumer/gathering.ts";
import { pause } from "../consumer/pause.ts";
import { evenSteps, type Steps } from "./steps.ts";

export type FillOptions = {
  readonly log: EventSource;
  /** Aborts between two transactions. */
  readonly signal?: AbortSignal;
  /** Events of one transaction while filling. 1 to 100,000. Default 10,000. */
  readonly fillMax?: number;
  /** The pause after each transaction, for background work, in ms. 0 to 1000. Default 0. */
  readonly pauseMs?: number;
  /** Instead of both, steps that make room for other work. */
  readonly steps?: Steps;
};

export function stepsOf({ fillMax = 10_000, pauseMs = 0, steps }: FillOptions): Steps {
  return steps ?? evenSteps(fillMax, pauseMs);
}

type Patient = { readonly logger: Logger; readonly signal: AbortSignal };

/** Brings a build up to a revision, inclusive, from the log. */
export type Fill<Change> = (build: ProjectionTarget<Change>, shard: Shard, upTo: Revision) => Promise<void>;

export function makeFiller<Change>(
  projection: Projection<Change>,
  options: FillOptions,
  onReached: (shard: Shard, revision: Revision) => void,
): Fill<Change> {
  const { log, signal } = options;
  const steps = stepsOf(options);
  return async (build, shard, upTo) => {
    let at = await build.checkpoint(shard);
    if (at >= upTo) return;
    for await (const { events } of gather(deliver(log, shard, at + 1, upTo), { events: () => steps.most })) {
      for (let from = 0; from < events.length; ) {
        signal?.throwIfAborted();
        const part = events.slice(from, from + steps.begin());
        at = await applyEvents({ shard, projection, target: build, batchMax: () => part.length }, at, part);
        from += part.length;
        onReached(shard, at);
        // Not after the last one, which may be in a transaction that the live build waits for.
        if (at < upTo) await steps.end(part.length);
      }
    }
  };
}

/** Faults that pass: for how long a fill tries again without any progress, and its pauses, in ms. */
const patience = { forMs: 60_000, firstMs: 100, mostMs: 5000 };

/** Like the fill, which goes on from the build's checkpoint after faults that pass. Not for use in a transaction. */
export function patiently<Change>(fill: Fill<Change>, { logger, signal }: Patient): Fill<Change> {
  return async (build, shard, upTo) => {
    let reached: Revision | undefined;
    let sinceMs = systemRuntime.elapsedMs();
    let pauseMs = patience.firstMs;
    while (true) {
      try {
        return await fill(build, shard, upTo);
      } catch (error) {
        if (!isLedgerError(error) || !passes(error)) throw error;
        logger.warn({ shard, code: error.code, pauseMs, err: error }, "a rebuild waits for its store or log");
        const at = await build.checkpoint(shard).catch(() => reached);
        if (at !== reached) [reached, sinceMs, pauseMs] = [at, systemRuntime.elapsedMs(), patience.firstMs];
        if (systemRuntime.elapsedMs() - sinceMs > patience.forMs) throw error;
      }
      await pause(systemRuntime, pauseMs, signal);
      signal.throwIfAborted();
      pauseMs = Math.min(2 * pauseMs, patience.mostMs);
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

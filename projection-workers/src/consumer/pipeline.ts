import type { Revision } from "ledger-core";
import type { StoredEvent } from "ledger-core/event-log";
import { systemRuntime } from "ledger-core/process";
import {
  type Application,
  applyBatch,
  applyEvents,
  openBatch,
  type ProjectedBatch,
  projectInto,
  withoutRepeats,
} from "./application.ts";

/** Events that are projected in one turn of the event loop, so that the transaction under way goes on meanwhile. */
const SLICE = 256;

export type Pipeline = {
  /**
   * Takes the next events. Without a target that prepares, they are applied when it resolves; otherwise their last
   * batch may still be under way. After a failure, it takes no more.
   * @throws what applying them, or those before, throws
   */
  add(events: readonly StoredEvent[]): Promise<void>;
  /** Waits until all that were added are applied. @throws what applying them throws */
  idle(): Promise<void>;
};

/**
 * Applies batches of events after `at`, one after another. While a server writes one, the next is projected and
 * prepared: at most one, so it costs the memory of one more.
 */
export function createPipeline<Change>(application: Application<Change>, at: Revision): Pipeline {
  const { target, runtime = systemRuntime } = application;
  let reached = at;
  let applying: Promise<unknown> = Promise.resolve();

  async function prepare(events: readonly StoredEvent[]): Promise<ProjectedBatch<Change>> {
    const batch = openBatch<Change>(application, reached, events);
    for (let from = 0; from < events.length && batch.fault === undefined; from += SLICE) {
      projectInto(batch, application, events.slice(from, from + SLICE));
      await new Promise<void>((resolve) => runtime.defer(resolve));
    }
    target.prepare?.(batch.changes);
    return batch;
  }

  return {
    async add(events) {
      if (!target.prepare) {
        reached = await applyEvents(application, reached, events);
        return;
      }
      const fresh = withoutRepeats(reached, events);
      for (let from = 0; from < fresh.length; ) {
        const part = fresh.slice(from, from + application.batchMax());
        const batch = await prepare(part);
        await applying;
        batch.startMs = runtime.elapsedMs();
        applying = applyBatch(application, batch);
        // Whoever waits next is told.
        void applying.catch(() => undefined);
        reached = batch.upTo;
        from += part.length;
        if (batch.fault !== undefined) await applying;
      }
    },
    async idle() {
      await applying;
    },
  };
}

import { buildOf, type Projection, type ProjectionStore, type Revision, type Shard } from "ledger-core";
import type { EventSource } from "ledger-core/event-log";
import type { Logger } from "ledger-core/process";
import { type BuildComparison, compareAtOneMoment } from "./comparison.ts";
import { eventsUpTo, makeFiller } from "./filling.ts";

export type RebuildOptions = {
  readonly log: EventSource;
  readonly shards: readonly Shard[];
  readonly logger: Logger;
  /** Aborts; the live build stays unchanged. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: RebuildProgress) => void;
};

/** `done` of `total` events while filling; the other steps have no measure. */
type RebuildProgress = {
  readonly step: "filling" | "comparing" | "switching";
  readonly done: number;
  readonly total: number;
};

type RebuildResult = { readonly version: number; readonly events: number; readonly comparison: BuildComparison };

/**
 * Rebuilds a projection from the log beside the live build, which keeps serving and advancing; compares the two row for
 * row at one position, then switches. Differences are logged and returned but do not prevent the switch, since the log
 * is the truth.
 * @throws LedgerError of the log or the store, including poison_event; the live build stays
 */
export async function rebuild<Change>(
  projection: Projection<Change>,
  store: ProjectionStore<Change>,
  options: RebuildOptions,
): Promise<RebuildResult> {
  const { shards, logger, signal, onProgress } = options;
  const live = await store.served();
  const next = buildOf(live.version + 1);
  // A crash leaves at most an unfinished next build, or the previous build not yet dropped.
  for (const leftover of [buildOf(live.version - 1), next]) await store.drop(leftover);

  const heads = new Map<Shard, Revision>();
  for (const shard of shards) heads.set(shard, await store.checkpoint(shard));
  const reached = new Map<Shard, Revision>();
  const report = (step: RebuildProgress["step"]) =>
    onProgress?.({ step, done: eventsUpTo(reached), total: Math.max(eventsUpTo(heads), eventsUpTo(reached)) });
  const fill = makeFiller(projection, options, (shard, revision) => {
    reached.set(shard, revision);
    report("filling");
  });

  await store.create(next);
  try {
    for (const [shard, head] of heads) await fill(store.target(next), shard, head);
    report("comparing");
    const comparison = await compareAtOneMoment(store, { store, build: next }, shards, fill);
    if (comparison.differing > 0) logger.error({ projection: projection.name, ...comparison }, "a rebuild differs");
    signal?.throwIfAborted();
    report("switching");
    await store.switchTo(next, async (inside, servedAt) => {
      for (const shard of shards) await fill(inside, shard, await servedAt(shard));
    });
    await store.drop(live);
    const result = { version: next.version, events: eventsUpTo(reached), comparison };
    logger.info({ projection: projection.name, version: result.version, events: result.events }, "projection rebuilt");
    return result;
  } catch (error) {
    if ((await store.served()).version !== next.version) await store.drop(next);
    throw error;
  }
}

import {
  type Build,
  buildOf,
  isLedgerError,
  type Projection,
  type ProjectionStore,
  type Revision,
  type Shard,
} from "ledger-core";
import type { Logger } from "ledger-core/process";
import { type BuildComparison, compareAtOneMoment } from "./comparison.ts";
import { eventsUpTo, type Fill, type FillOptions, makeFiller, patiently, stepsOf } from "./filling.ts";

/** The signal aborts; the live build stays unchanged. */
export type RebuildOptions = FillOptions & {
  readonly shards: readonly Shard[];
  readonly logger: Logger;
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
 * Rebuilds a projection from the log beside the live build, which keeps serving and advancing, also in other processes;
 * compares the two row for row at one position, then switches. Differences are logged and returned but do not prevent
 * the switch, since the log is the truth. Removes what interrupted rebuilds have left.
 * @throws LedgerError of the log or the store, including poison_event; the live build stays
 * @throws not_ready while another rebuild of the projection is under way
 */
export function rebuild<Change>(
  projection: Projection<Change>,
  store: ProjectionStore<Change>,
  options: RebuildOptions,
): Promise<RebuildResult> {
  return store.alone(async (lost) => {
    const signal = AbortSignal.any([lost, ...(options.signal ? [options.signal] : [])]);
    const live = await store.served();
    const leftovers = await store.leftovers();
    for (const leftover of leftovers) {
      options.logger.warn(
        { projection: projection.name, build: leftover.version },
        "an interrupted rebuild is removed",
      );
      await store.drop(leftover);
    }
    // A version is never used twice, so a rebuild that was taken for interrupted cannot write into this one.
    const next = buildOf(1 + Math.max(live.version, ...leftovers.map(({ version }) => version)));
    try {
      const result = await buildAndSwitch(projection, store, { live, next }, { ...options, signal });
      await dropFormer(store, live, options.logger);
      return result;
    } catch (error) {
      const served = await store.served().catch(() => next);
      // If this fails, too, the next rebuild does it.
      if (served.version !== next.version) await store.drop(next).catch(() => undefined);
      throw error;
    }
  });
}

type Builds = { readonly live: Build; readonly next: Build };

async function buildAndSwitch<Change>(
  projection: Projection<Change>,
  store: ProjectionStore<Change>,
  { live, next }: Builds,
  options: RebuildOptions & { readonly signal: AbortSignal },
): Promise<RebuildResult> {
  const { shards, logger, signal, onProgress } = options;
  const { name } = projection;
  const heads = new Map<Shard, Revision>();
  for (const shard of shards) heads.set(shard, await store.checkpoint(shard));
  const reached = new Map<Shard, Revision>();
  const report = (step: RebuildProgress["step"]) =>
    onProgress?.({ step, done: eventsUpTo(reached), total: Math.max(eventsUpTo(heads), eventsUpTo(reached)) });
  const fill = makeFiller(projection, options, (shard, revision) => {
    reached.set(shard, revision);
    report("filling");
  });
  const fillPatiently = patiently(fill, options);

  await store.create(next);
  for (const [shard, head] of heads) await fillPatiently(store.target(next), shard, head);
  report("comparing");
  const comparison = await compareAtOneMoment(store, { store, build: next }, shards, { fill, steps: stepsOf(options) });
  if (comparison.differing > 0) logger.error({ projection: name, ...comparison }, "a rebuild differs");
  signal.throwIfAborted();
  report("switching");
  await catchUp(store, next, shards, fillPatiently);
  await store.switchTo(live, next, async (inside, servedAt) => {
    for (const shard of shards) await fill(inside, shard, await servedAt(shard));
    signal.throwIfAborted();
  });
  const result = { version: next.version, events: eventsUpTo(reached), comparison };
  logger.info({ projection: name, version: result.version, events: result.events }, "projection rebuilt");
  return result;
}

/** Leaves little to do while the live build rests: the comparison may have taken long. */
async function catchUp<Change>(
  store: ProjectionStore<Change>,
  next: Build,
  shards: readonly Shard[],
  fill: Fill<Change>,
): Promise<void> {
  for (const shard of shards) await fill(store.target(next), shard, await store.checkpoint(shard));
}

async function dropFormer<Change>(store: ProjectionStore<Change>, former: Build, logger: Logger): Promise<void> {
  try {
    await store.drop(former);
  } catch (error) {
    if (!isLedgerError(error)) throw error;
    logger.warn({ build: former.version, err: error }, "the former build is not dropped: the next rebuild does it");
  }
}

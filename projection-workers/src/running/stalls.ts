import type { Revision, Runtime, Shard } from "ledger-core";

type Watched = {
  readonly projections: { revision(projection: string, shard: Shard): Revision };
  /** The names of the watched projections. */
  readonly names: readonly string[];
  readonly shards: number;
  head(shard: Shard): Revision;
};

export type StallOptions = {
  readonly logger: Record<"error" | "warn", (about: object, text: string) => void>;
  readonly runtime: Pick<Runtime, "elapsedMs" | "every">;
  /**
   * How long a projection may not advance while the log has more for it, in ms. Longer than any of its transactions.
   * 100 to 3,600,000. Default 30,000.
   */
  readonly stalledAfterMs?: number;
};

/** Tells projections that stand still, although the log has more for them, from those that are busy. */
export type StallWatch = {
  /** How long a projection of a shard has stood still, in ms; 0 while it advances or has all of the log. */
  stoodMs(projection: string, shard: Shard): number;
  /** Whether that is too long. */
  isStalled(projection: string, shard: Shard): boolean;
  stop(): void;
};

const STALLED_AFTER_MS = 30_000;
const LOOKS = 20;

type Seen = { revision: Revision; sinceMs: number; stoodMs: number; told: boolean };

/** Looks at positions again and again; says in the log when a projection begins and ends to stand still. */
export function watchStalls(watched: Watched, options: StallOptions): StallWatch {
  const { logger, runtime, stalledAfterMs = STALLED_AFTER_MS } = options;
  const { projections, names, shards, head } = watched;
  const seen = new Map<string, Seen>();
  const key = (projection: string, shard: Shard) => `${projection}:${shard}`;

  function look(projection: string, shard: Shard): void {
    const nowMs = runtime.elapsedMs();
    const revision = projections.revision(projection, shard);
    const behind = head(shard) - revision;
    const before = seen.get(key(projection, shard));
    if (before && before.revision === revision && behind > 0) {
      before.stoodMs = nowMs - before.sinceMs;
      if (before.told || before.stoodMs < stalledAfterMs) return;
      before.told = true;
      logger.error({ projection, position: { shard, revision }, behind }, "projection stands still");
      return;
    }
    if (before?.told) logger.warn({ projection, position: { shard, revision } }, "projection goes on");
    seen.set(key(projection, shard), { revision, sinceMs: nowMs, stoodMs: 0, told: false });
  }

  const stop = runtime.every(Math.min(1000, stalledAfterMs / LOOKS), () => {
    for (const name of names) for (let shard = 0; shard < shards; shard++) look(name, shard);
  });
  return {
    stoodMs: (projection, shard) => seen.get(key(projection, shard))?.stoodMs ?? 0,
    isStalled: (projection, shard) => seen.get(key(projection, shard))?.told ?? false,
    stop,
  };
}

import { NO_REVISION, type Runtime } from "ledger-core";
import type { EventSource } from "ledger-core/event-log";
import type { Metrics, ReadinessCheck } from "ledger-core/http";
import type { MirrorTarget } from "ledger-core/kafka";
import { type Logger, systemRuntime } from "ledger-core/process";
import { type MirrorTuning, mirrorShard } from "./mirror-shard.ts";
import type { MirrorStatus } from "./mirror-status.ts";

export type MirrorOptions = {
  readonly log: EventSource;
  readonly target: MirrorTarget;
  /** The number of shards of the log. */
  readonly shards: number;
  readonly logger: Logger;
  readonly tuning?: MirrorTuning;
  readonly runtime?: Runtime;
};

export type Mirror = {
  statuses(): readonly MirrorStatus[];
  /** Resolves when every shard has stopped or halted; rejects only on a bug. */
  readonly finished: Promise<void>;
  /** Stops after the sends in progress; closes the target, but not the log. */
  stop(): Promise<void>;
};

/** How often the log's heads are read for the lag in metrics and readiness. */
const HEADS_EVERY_MS = 1000;

/** Mirrors every shard of the log independently: a halted or waiting shard delays no other. */
export function startMirror({ runtime = systemRuntime, tuning = {}, ...options }: MirrorOptions): Mirror {
  const { log, target, shards, logger } = options;
  const abort = new AbortController();
  const statuses = Array.from({ length: shards }, (_, shard) => trackShard(shard, runtime));
  const look = async () => {
    for (const [shard, { set }] of statuses.entries()) set({ head: await log.head(shard) });
  };
  // The shards' own states report a log that is unavailable.
  const stopLooking = runtime.every(HEADS_EVERY_MS, () => void look().catch(() => undefined));
  const { signal } = abort;
  const runs = statuses.map(({ set }, shard) =>
    mirrorShard({ log, target, shard, signal, logger, runtime, tuning, set }),
  );
  const finished = Promise.all(runs).then(() => stopLooking());
  return {
    statuses: () => statuses.map(({ status }) => status()),
    finished,
    async stop() {
      abort.abort();
      await finished;
      await target.close();
    },
  };
}

function trackShard(shard: number, runtime: Runtime) {
  let status: MirrorStatus = {
    ...{ shard, state: "starting", revision: NO_REVISION, head: NO_REVISION },
    ...{ lagSeconds: 0, foreign: 0, reason: null, publicReason: null },
  };
  let levelMs = runtime.elapsedMs();
  const isLevel = () => status.state === "live" && status.revision >= status.head;
  return {
    set(change: Partial<MirrorStatus>): void {
      status = { ...status, ...change, head: Math.max(status.head, change.head ?? change.revision ?? NO_REVISION) };
      if (isLevel() || change.state === "live") levelMs = runtime.elapsedMs();
    },
    status: (): MirrorStatus => ({ ...status, lagSeconds: isLevel() ? 0 : (runtime.elapsedMs() - levelMs) / 1000 }),
  };
}

/** Each field states its default. */
export type MirrorReadiness = {
  /** The most events that a ready mirror may lag behind. 0 to 10,000,000. Default 10,000. */
  readonly behindMax?: number;
};

/** Readiness: every shard is mirrored and not too far behind. */
export function mirrorChecks(mirror: Mirror, { behindMax = 10_000 }: MirrorReadiness = {}): readonly ReadinessCheck[] {
  const readyStates: readonly string[] = ["behind", "live"];
  return [
    {
      name: "mirror",
      check() {
        const statuses = mirror.statuses();
        const ready = statuses.every(({ state, ...own }) => readyStates.includes(state) && behind(own) <= behindMax);
        return { ready, detail: statuses.map(describe).join("; ") };
      },
    },
  ];
}

function describe(status: MirrorStatus): string {
  const { shard, revision, state, publicReason } = status;
  const place = revision < 0 ? `before 0 of shard ${shard}` : `at ${shard}:${revision}`;
  const lag = behind(status) > 0 ? [`${behind(status)} events and ${status.lagSeconds.toFixed(1)} s behind`] : [];
  return [`${state} ${place}`, ...lag, ...(publicReason === null ? [] : [publicReason])].join(", ");
}

function behind({ head, revision }: Pick<MirrorStatus, "head" | "revision">): number {
  return Math.max(0, head - revision);
}

export function measureMirror(metrics: Metrics, mirror: Mirror): void {
  const most = (of: (status: MirrorStatus) => number) => () => Math.max(0, ...mirror.statuses().map(of));
  const sum = (of: (status: MirrorStatus) => number) => () => mirror.statuses().reduce((all, one) => all + of(one), 0);
  metrics.gauge("mirror_lag_events", "Events of all shards that the log has and the mirror has not.", sum(behind));
  metrics.gauge(
    "mirror_lag_seconds",
    "How long the slowest shard has not had all of the log.",
    most((s) => s.lagSeconds),
  );
  metrics.gauge(
    "mirror_events",
    "Events of all shards in the mirror.",
    sum((s) => s.revision + 1),
  );
  metrics.gauge(
    "mirror_halted_shards",
    "Shards whose mirror halted.",
    sum((s) => (s.state === "halted" ? 1 : 0)),
  );
  metrics.gauge(
    "mirror_waiting_shards",
    "Shards that wait for the broker.",
    sum((s) => (s.state === "retrying" ? 1 : 0)),
  );
  metrics.gauge(
    "mirror_foreign_records",
    "Records of other writers at the ends of partitions.",
    sum((s) => s.foreign),
  );
}

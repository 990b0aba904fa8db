import { isLedgerError, type Shard } from "ledger-core";
import type { EventSource } from "ledger-core/event-log";
import type { Logger } from "ledger-core/process";
import { type ConsumerOptions, type ProjectionStatus, runProjection } from "../consumer/consumer.ts";
import type { Projected } from "../projections/registered.ts";
import { stepsBesideLive } from "../rebuild/steps.ts";
import { reportRebuild } from "./reported-rebuild.ts";
import type { ProjectionReport, ProjectionTuning } from "./reports.ts";

type SessionOptions = {
  readonly projections: readonly Projected[];
  readonly shards: readonly Shard[];
  readonly log: EventSource;
  readonly logger: Logger;
  readonly tuning: ProjectionTuning;
  readonly stop: AbortSignal;
  readonly onStatus: (status: ProjectionStatus) => void;
  readonly tell: (report: ProjectionReport) => void;
};

/** The projections of one opened file. */
export type StoreSession = {
  /** Resolves when nothing uses the file any more: with the damage that ended it, or undefined if it was stopped. */
  readonly ended: Promise<string | undefined>;
  /** Rebuilds a projection, then restarts it if it had halted. */
  rebuild(name: string): Promise<void>;
  damage(reason: string): void;
};

/** Runs every projection of a file for every shard. */
export function startSession(options: SessionOptions): StoreSession {
  const { projections, shards, log, logger, tuning, stop, onStatus, tell } = options;
  const abort = new AbortController();
  const end = AbortSignal.any([stop, abort.signal]);
  const finished = Promise.withResolvers<void>();
  const halted = new Map<string, () => void>();
  const steps = stepsBesideLive(tuning.rebuild ?? {});
  let rebuilding: Promise<void> = Promise.resolve();
  let damaged: string | undefined;
  let running = 0;

  function damage(reason: string): void {
    damaged ??= reason;
    abort.abort();
  }

  function run(projected: Projected, shard: Shard): void {
    running++;
    const key = `${projected.name}:${shard}`;
    const options: Omit<ConsumerOptions<unknown>, "projection" | "target"> = {
      ...{ ...tuning, log, logger, shard, signal: end },
      onProgress(name, _shard, revision) {
        steps.noteLive();
        tell({ kind: "moved", projection: name, shard, revision });
      },
      onStatus(status) {
        if (status.state === "halted" && status.damaged) damage(status.reason ?? "damaged");
        else onStatus(status);
      },
    };
    const { finished: over } = projected.use((projection, target) => runProjection({ ...options, projection, target }));
    over.then(() => {
      running--;
      if (!end.aborted) halted.set(key, () => run(projected, shard));
      else if (running === 0) finished.resolve();
    }, finished.reject);
  }

  for (const projection of projections) for (const shard of shards) run(projection, shard);
  end.addEventListener("abort", () => {
    if (running === 0) finished.resolve();
  });
  return {
    ended: finished.promise.then(async () => {
      await rebuilding;
      return stop.aborted ? undefined : damaged;
    }),
    damage,
    async rebuild(name) {
      const projection = projections.find((one) => one.name === name);
      // One rebuild at a time: two would wait for each other's locks on the file.
      const mine = rebuilding.then(async () => {
        if (!projection || end.aborted) return;
        await reportRebuild(projection, { steps, log, shards, logger, signal: end }, (state) =>
          tell({ kind: "rebuild", state }),
        );
        for (const shard of shards) {
          const again = halted.get(`${name}:${shard}`);
          halted.delete(`${name}:${shard}`);
          again?.();
        }
      });
      rebuilding = mine.catch((error: unknown) => {
        if (!isLedgerError(error)) finished.reject(error);
        else damage(error.message);
      });
      await rebuilding;
    },
  };
}

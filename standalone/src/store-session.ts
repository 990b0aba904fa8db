import { isLedgerError, type Revision, type Shard } from "ledger-core";
import type { ProjectionRun, ProjectionStatus } from "projection-workers";
import type { RebuildName } from "./rebuild-state.ts";

/** A projection that writes into an opened file. */
export type KeptProjection = {
  readonly name: RebuildName;
  checkpoint(shard: Shard): Promise<Revision>;
  run(shard: Shard, signal: AbortSignal, onStatus: (status: ProjectionStatus) => void): ProjectionRun;
  /** Builds it anew beside itself, and tells by its own means how far it is. @throws LedgerError store_damaged */
  rebuild(signal: AbortSignal): Promise<void>;
};

export type SessionOptions = {
  readonly projections: readonly KeptProjection[];
  readonly shards: readonly Shard[];
  readonly stop: AbortSignal;
  readonly onStatus: (status: ProjectionStatus) => void;
};

/** The time between a file's opening and its closing. */
export type StoreSession = {
  /** Settles when nothing uses the file any more: with the damage that ended it, or undefined when it was stopped. */
  readonly ended: Promise<string | undefined>;
  /** Builds a projection anew; then one that had halted goes on, since what it halted at is in the new build or halts it again. */
  rebuild(name: RebuildName): Promise<void>;
  damage(reason: string): void;
};

/** Runs every projection of a file for every shard. */
export function startSession({ projections, shards, stop, onStatus }: SessionOptions): StoreSession {
  const abort = new AbortController();
  const end = AbortSignal.any([stop, abort.signal]);
  const finished = Promise.withResolvers<void>();
  const halted = new Map<string, () => void>();
  let rebuilding: Promise<void> = Promise.resolve();
  let damaged: string | undefined;
  let running = 0;

  function damage(reason: string): void {
    damaged ??= reason;
    abort.abort();
  }

  function run(projection: KeptProjection, shard: Shard): void {
    running++;
    const key = `${projection.name}:${shard}`;
    const { finished: over } = projection.run(shard, end, (status) => {
      if (status.state === "halted" && status.damaged) damage(status.reason ?? "damaged");
      else onStatus(status);
    });
    over.then(() => {
      running--;
      if (!end.aborted) halted.set(key, () => run(projection, shard));
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
      // One after another: two at once would hold each other up in the file.
      const mine = rebuilding.then(async () => {
        if (!projection || end.aborted) return;
        await projection.rebuild(end);
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

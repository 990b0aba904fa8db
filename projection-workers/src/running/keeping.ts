import { LedgerError, type Revision, type Shard } from "ledger-core";
import type { EventSource } from "ledger-core/event-log";
import type { ProjectionStatus } from "../consumer/consumer.ts";
import type { OpenedFile } from "../projections/store-file.ts";
import { type ProjectionPosition, type ProjectionReport, REBUILDING } from "./reports.ts";

/** Keeps the projections of one store running: opens it, and opens it again after faults. */
export type Keeper = {
  /** Resolves after the first attempt to open the store. @throws LedgerError incompatible, log_corrupt */
  readonly tried: Promise<void>;
  /** Resolves when it is stopped; rejects only on a bug. */
  readonly finished: Promise<void>;
  /** False when the store is not open. */
  rebuild(projection: string): Promise<boolean>;
  /** Reports that a reader found the store damaged. */
  damaged(reason: string): void;
  stop(): void;
};

type Reported = {
  /** The names of the store's projections. */
  readonly projections: readonly string[];
  readonly shards: readonly Shard[];
  readonly tell: (report: ProjectionReport) => void;
};

/** Reports why projections of a store are not running normally, or that they are being rebuilt. */
export function troubleReports({ projections, shards, tell }: Reported) {
  /** Projections of shards that are incomplete until they have reached the log's end. */
  const building = new Set<string>();
  const key = (projection: string, shard: Shard) => `${projection}:${shard}`;
  const report = (projection: string, shard: Shard, trouble: string | null) =>
    tell({ kind: "trouble", projection, shard, trouble });
  return {
    /** Until it is live. */
    rebuilding(projection: string, shard: Shard): void {
      building.add(key(projection, shard));
      report(projection, shard, REBUILDING);
    },
    /** Whether none is being rebuilt. */
    isComplete: () => building.size === 0,
    ofAll(trouble: string): void {
      for (const projection of projections) for (const shard of shards) report(projection, shard, trouble);
    },
    ofStatus({ projection, shard, state, publicReason: why }: ProjectionStatus): void {
      if (state === "live") building.delete(key(projection, shard));
      const well = building.has(key(projection, shard)) ? REBUILDING : null;
      report(projection, shard, state === "halted" || state === "retrying" ? `${state}: ${why}` : well);
    },
  };
}

/** The position of each projection of a store, and the log's head. @throws log_corrupt if one is ahead of the log */
export async function positionsIn({ projections }: OpenedFile, shards: readonly Shard[], log: EventSource) {
  const positions: (ProjectionPosition & { readonly head: Revision })[] = [];
  for (const shard of shards) {
    const reached: { readonly projection: string; readonly revision: Revision }[] = [];
    for (const { name, use } of projections) {
      const revision = await use((_projection, store) => store.checkpoint(shard));
      reached.push({ projection: name, revision });
    }
    // After the positions: another process may write the store while the log grows.
    const head = await log.head(shard);
    for (const { projection, revision } of reached) {
      if (revision > head) throw ahead(projection, head, revision);
      positions.push({ projection, shard, revision, head });
    }
  }
  return positions;
}

/** Tables of a newer program, or read models ahead of the log: do not discard either without being asked. */
export function isForeign(error: LedgerError): boolean {
  return (error.code === "incompatible" && error.cause === undefined) || error.code === "log_corrupt";
}

/** Read models ahead of the log would drop new events as repeats. */
function ahead(name: string, head: number, revision: number): LedgerError {
  return new LedgerError(
    "log_corrupt",
    `the log ends at ${head} and ${name} has seen ${revision}: the log was lost or is an old copy`,
  );
}

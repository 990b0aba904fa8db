import type { Revision, Shard } from "../domain/position.ts";
import type { ProjectionTarget } from "./projection.ts";

/** One build of a projection. Builds of one store lie side by side, in tables told apart by their suffix. */
export type Build = { readonly version: number; readonly suffix: string };

/** The first build has tables without a suffix. */
export function buildOf(version: number): Build {
  return { version, suffix: version === 1 ? "" : `_v${version}` };
}

/** A table of a build, by its name without a suffix, and the columns that identify and order its rows. */
export type KeyedTable = { readonly name: string; readonly key: readonly string[] };

export type StoreRow = { readonly [column: string]: unknown };

/** The most rows that one reading of a table returns. */
export const ROWS_AT_A_TIME = 1000;

/** The served build as it was at one moment. */
export type StoreMoment = {
  checkpoint(shard: Shard): Promise<Revision>;
  rows: RowReader;
  /** Whether it may lack a row that the events make. Default: no. */
  mayLack?(table: string, row: StoreRow): Promise<boolean>;
};

/** Reads up to ROWS_AT_A_TIME rows of a table in the order of its key, those after a row; fewer only at the end. */
export type RowReader = (table: string, after: StoreRow | undefined) => Promise<readonly StoreRow[]>;

/** Brings a build to the position of the served one, which `servedAt` returns. */
type CatchUp<Change> = (
  build: ProjectionTarget<Change>,
  servedAt: (shard: Shard) => Promise<Revision>,
) => Promise<void>;

/**
 * The store of one projection. As a target it is the served build, across a switch too; rebuilds and comparisons need
 * the rest. Every method may throw LedgerError `store_unavailable`, `store_damaged` and `row_unreadable`.
 */
export interface ProjectionStore<Change> extends ProjectionTarget<Change> {
  readonly tables: readonly KeyedTable[];
  served(): Promise<Build>;
  /** Creates the empty tables of a build. */
  create(build: Build): Promise<void>;
  /** Drops the tables and checkpoints of a build, if there are any. */
  drop(build: Build): Promise<void>;
  /** The builds that were created, are not served and were not dropped. */
  leftovers(): Promise<readonly Build[]>;
  /**
   * Runs work while nobody else runs such work on this store. The signal aborts with a LedgerError once that is no
   * longer certain, because the connection to the store was lost.
   * @throws not_ready while another process does
   */
  alone<Result>(work: (lost: AbortSignal) => Promise<Result>): Promise<Result>;
  /** One build, whichever is served. */
  target(build: Build): ProjectionTarget<Change>;
  rows(build: Build): RowReader;
  /** Runs work on the served build as of the work's first read, while that build advances. */
  atOneMoment<Result>(work: (moment: StoreMoment) => Promise<Result>): Promise<Result>;
  /**
   * Lets the served build rest while `catchUp` runs, then serves `build` from one moment to the next: all of it or
   * nothing.
   * @throws not_ready when `live` is not the served one
   */
  switchTo(live: Build, build: Build, catchUp: CatchUp<Change>): Promise<void>;
  /** Faults that the engine finds in its own file; empty for engines that check themselves. */
  faults(): Promise<readonly string[]>;
  close(): Promise<void>;
}

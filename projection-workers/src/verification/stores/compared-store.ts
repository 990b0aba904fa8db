import type { Position, Revision, Shard } from "ledger-core";
import type { LedgerFigures } from "./figures.ts";
import type { StoreReport } from "./store-report.ts";

/** A store that no projection's second build can be compared with: it compares itself with the log's events. */
export type ComparedStore = {
  readonly store: string;
  /** How far it is, per shard. @throws LedgerError of the store */
  positions(shards: readonly Shard[]): Promise<readonly Position[]>;
  /** @throws LedgerError of the store or the log */
  compare(options: ComparedWith): Promise<StoreReport>;
};

export type ComparedWith = {
  readonly shards: readonly Shard[];
  /** How many events of the log the store lacked after the wait. */
  readonly behind: number;
  /** The positions that every store has reached. */
  readonly upTo: ReadonlyMap<Shard, Revision>;
  /** The log's figures up to there. */
  readonly figures: LedgerFigures;
};

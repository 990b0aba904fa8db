import type { EventId, Micros, Revision } from "ledger-core";

/** A point to roll back to, inside a batch that is not appended yet. */
export type Mark = {
  readonly undo: number;
  readonly keys: number;
  readonly revision: Revision;
  readonly event: EventId | null;
  readonly at: Micros;
  readonly epoch: number;
};

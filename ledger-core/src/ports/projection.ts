import type { LedgerEvent } from "../domain/events.ts";
import type { Revision, Shard } from "../domain/position.ts";

/** A pure function from events to the changes of one read model. */
export type Projection<Change> = {
  readonly name: string;
  project(event: LedgerEvent): readonly Change[];
};

/** Where a projection's changes go: changes and checkpoint are applied together or not at all. */
export interface ProjectionTarget<Change> {
  /** The revision of the last event applied for a shard; NO_REVISION before the first. @throws store_unavailable */
  checkpoint(shard: Shard): Promise<Revision>;
  /**
   * Applies the changes of the events after `after` up to `upTo` and moves the checkpoint from `after` to `upTo`.
   * @throws revision_gap when the checkpoint is not at `after`: someone else moved it; nothing was applied
   * @throws store_unavailable: nothing was applied, or it was and the checkpoint says so
   * @throws poison_event when a change cannot be applied; nothing was applied
   */
  apply(shard: Shard, after: Revision, upTo: Revision, changes: readonly Change[]): Promise<void>;
}

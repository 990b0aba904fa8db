import type { AccountType } from "../domain/account.ts";
import type { LedgerEvent } from "../domain/events.ts";
import type { EventId } from "../domain/ids.ts";
import type { Revision, Shard } from "../domain/position.ts";
import type { Micros } from "../domain/time.ts";

/**
 * A charge without fee and metadata as the read models keep it. Accounts are numbers (`numberOf`), days are yyyymmdd,
 * and amounts are small enough to be exact. One flat object, since thousands of them wait for a transaction.
 */
export type ChargeRow = {
  readonly kind: "charge";
  /** Of the event; with another prefix, the payment's. */
  readonly id: EventId;
  readonly salt: number;
  readonly shard: Shard;
  readonly revision: Revision;
  readonly at: Micros;
  readonly tenant: string;
  readonly payer: number;
  readonly payee: number;
  readonly payeeType: AccountType;
  readonly amount: number;
  readonly payerBalance: number;
  readonly payeeBalance: number;
  readonly payerDay: number;
  readonly payeeDay: number;
  readonly reference: string | null;
};

/** A pure function from events to the changes of one read model. */
export type Projection<Change> = {
  readonly name: string;
  project(event: LedgerEvent): readonly Change[];
  /** The same for a plain charge, which then need not be decoded; undefined where `project` has to do it. */
  projectCharge?(row: ChargeRow): readonly Change[] | undefined;
};

/** The log keeps these with an event, beside its facts. */
export type StoredForm = { readonly version: number; readonly leaf: Uint8Array };

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
  /**
   * Computes what `apply` will need of these changes, and writes nothing: for the time while an earlier `apply` waits
   * for its server. `apply` then gets the same array. Absent where that would gain nothing.
   */
  prepare?(changes: readonly Change[]): void;
}

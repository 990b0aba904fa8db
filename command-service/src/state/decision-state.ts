import {
  type AccountId,
  type AccountState,
  type AccountTotals,
  assert,
  type ChargeMove,
  type Currency,
  type EventId,
  evolve,
  type LedgerEvent,
  type LedgerStateDraft,
  type Micros,
  type Payment,
  type PaymentId,
  type Revision,
} from "ledger-core";
import type { StoredEvent } from "ledger-core/event-log";
import { AccountStore } from "./account-store.ts";
import type { DuePage } from "./due-holds.ts";
import { moveCharged } from "./fast/charged-accounts.ts";
import type { Flush } from "./flush.ts";
import type { KeyRunsOptions } from "./keys/key-runs.ts";
import { type KeyPlace, KnownKeys } from "./keys/known-keys.ts";
import { KnownPayments, type KnownPaymentsOptions } from "./known-payments.ts";
import type { Mark } from "./mark.ts";
import { isStateFault } from "./state-faults.ts";
import type { StateFile } from "./state-file.ts";
import type { StoredAccount } from "./stored-account.ts";

export type DecisionStateOptions = KnownPaymentsOptions & {
  readonly file: StateFile;
  /**
   * Accounts kept in memory, besides those changed since the last flush. Default 2 million, up to 160 MB.
   */
  readonly accountsCached?: number;
  /** Names of accounts kept in memory, besides the unwritten ones. Default 50,000; from 2. */
  readonly namesCached?: number;
  readonly keys?: KeyRunsOptions;
  /** A random integer from 0 up to but not including its argument. Default: unpredictable. */
  readonly random?: (below: number) => number;
};

type Undo = () => void;

/**
 * The state that a shard's writer decides on: the state file, the later events not written to it yet, and the batch
 * being decided. The tail and two caches bound its memory. Only single-row reads of the local file block.
 */
export class DecisionState implements LedgerStateDraft {
  private readonly file: StateFile;
  private readonly accounts: AccountStore;
  private readonly payments: KnownPayments;
  private readonly clearingAccounts = new Map<string, AccountId>();
  private readonly keys: KnownKeys;
  /** A flush is under way, or failed and is not rolled back yet. */
  private flushing = false;
  private readonly undos: Undo[] = [];
  /** Whether undos are recorded: from a mark to the end of its batch. */
  private marked = false;
  private applying: Revision = -1;
  /** The last two accounts looked up: those of a payment, which are decided on and then changed. */
  private lately: StoredAccount | undefined;
  private before: StoredAccount | undefined;
  private stand: { revision: Revision; event: EventId | null; at: Micros; epoch: number };
  private settled: Revision;

  constructor(options: DecisionStateOptions) {
    this.file = options.file;
    const { pages, layout } = this.file;
    const namesCached = options.namesCached ?? 50_000;
    this.accounts = new AccountStore({ pages, layout, namesCached, cached: options.accountsCached ?? 2_000_000 });
    this.payments = new KnownPayments(pages, layout, options);
    this.keys = new KnownKeys({
      ...options.keys,
      ...{ storage: this.file.keyStorage, hashKey: this.file.hashKey, manifest: this.file.keysManifest() },
      ...(options.random ? { random: options.random } : {}),
    });
    this.stand = { ...this.file.stand() };
    this.settled = this.stand.revision;
    for (const account of this.accounts.clearingAccounts()) this.indexClearing(account);
  }

  /** The revision of the last event applied, appended or not. */
  get revision(): Revision {
    return this.stand.revision;
  }
  /** The last revision known to be in the log; it will not be rolled back. */
  get settledAt(): Revision {
    return this.settled;
  }
  get lastEvent(): EventId | null {
    return this.stand.event;
  }
  get at(): Micros {
    return this.stand.at;
  }
  get epoch(): number {
    return this.stand.epoch;
  }
  /** Entries for the next flush to write. */
  get tailSize(): number {
    return this.keys.tailSize + this.payments.tailSize;
  }
  /** Entries that are not on disk: in the tail, and in a flush that is under way or failed. */
  get unwrittenSize(): number {
    return this.tailSize + this.keys.writingSize + this.payments.writingSize;
  }
  /** Pages of accounts for the next flush to write. */
  get changedPages(): number {
    return this.accounts.changedPages;
  }

  account(id: AccountId): AccountState | undefined {
    return this.storedAccount(id);
  }

  /** Loads accounts that are about to be looked up into the CPU's caches. */
  prefetch(ids: readonly AccountId[]): void {
    this.accounts.prefetch(ids);
  }

  private storedAccount(id: AccountId): StoredAccount | undefined {
    if (this.lately?.id === id) return this.lately;
    if (this.before?.id === id) return this.before;
    const found = this.accounts.find(id);
    this.before = this.lately;
    this.lately = found;
    return found;
  }

  putAccount(account: AccountState): void {
    const undo = this.accounts.put(account);
    if (this.marked) this.undos.push(undo);
    this.forget(account.id);
    if (account.type === "clearing") this.indexClearing(account);
  }

  moveAccount({ id }: AccountState, to: AccountTotals): void {
    const account = this.storedAccount(id);
    assert(account, `account ${id} moves and is not there`);
    if (this.marked) this.undos.push(this.accounts.undoOf(account));
    this.accounts.move(account, to);
    this.forget(id);
  }

  private forget(id: AccountId): void {
    if (this.lately?.id === id) this.lately = undefined;
    if (this.before?.id === id) this.before = undefined;
  }

  payment(id: PaymentId): Payment | undefined {
    return this.payments.get(id);
  }

  putPayment(payment: Payment): void {
    // A payment captured at once is read back from its event, to which its id leads.
    if (payment.capture === "automatic" && payment.status === "captured") return;
    const undo = this.payments.put(payment, this.applying);
    if (this.marked) this.undos.push(undo);
  }

  clearing(tenant: string, rail: string, currency: Currency): AccountId | undefined {
    return this.clearingAccounts.get(`${tenant}\n${rail}\n${currency}`);
  }

  /** The revision of a payment's last event, if the payment is not in memory. */
  paymentRevision(id: PaymentId): Revision {
    return this.payments.revisionOf(id);
  }

  /** Caches a payment that was read back from the log, unless a newer one is known. */
  admitPayment(payment: Payment, revision: Revision): void {
    this.payments.admit(payment, revision);
  }

  /**
   * Payments whose authorization expired by `now`. Repeated calls find all of them, taking turns between tenants.
   * @param limit the most from disk, and the most from the tail
   */
  duePayments(now: Micros, limit: number): DuePage {
    return this.payments.due(now, limit);
  }

  /**
   * The revisions of events that may answer a key: none if it is new; undefined if the disk must be read first.
   */
  findKey(place: KeyPlace, tenant: string, sub: string, key: string): readonly Revision[] | undefined {
    return this.keys.find(place, tenant, sub, key);
  }

  /**
   * Like `findKey`, but only among the events after a revision, for a key that was looked up before.
   */
  findKeySince(after: Revision, place: KeyPlace, tenant: string, sub: string, key: string): readonly Revision[] {
    return this.keys.findSince(after, place, tenant, sub, key);
  }

  /** Whether the disk must be read to find a key. */
  seekKey(place: KeyPlace, tenant: string, sub: string, key: string): boolean {
    return this.keys.seek(place, tenant, sub, key);
  }

  /** Reads all the keys for which `seekKey` returned true. @throws state_corrupt, state_unavailable */
  loadKeys(places: readonly KeyPlace[]): Promise<void> {
    return this.keys.load(places);
  }

  /** Applies the next event, whether or not it is in the log yet. */
  apply(event: LedgerEvent): void {
    assert(event.revision === this.stand.revision + 1, `event ${event.revision} applied at ${this.stand.revision}`);
    this.applying = event.revision;
    evolve(this, event);
    const { tenant, sub, key } = event.origin;
    if (key !== null) this.keys.add(tenant, sub, key, event.revision);
    this.stand.revision = event.revision;
    this.stand.event = event.id;
    this.stand.at = event.at;
    if (event.fact.type === "WriterEpochStarted") this.stand.epoch = event.fact.epoch;
  }

  /** Loads the accounts opened at the first `count` revisions into the CPU's caches. */
  prefetchOpened(revisions: Float64Array, count: number): void {
    this.accounts.prefetchOpened(revisions, count);
  }

  /**
   * The fast lane of a replay: applies the next event, a charge that was read from its bytes, as `apply` does.
   * @returns false, and changes nothing, if the event is for `apply`: it is unusual, or wrong
   */
  applyCharge({ id, at, revision }: StoredEvent, charge: ChargeMove): boolean {
    if (this.marked || revision !== this.stand.revision + 1 || !moveCharged(this.accounts, charge)) return false;
    this.lately = undefined;
    this.before = undefined;
    this.applying = revision;
    if (charge.key !== null) this.keys.add(charge.tenant, charge.sub, charge.key, revision);
    this.stand.revision = revision;
    this.stand.event = id;
    this.stand.at = at;
    return true;
  }

  mark(): Mark {
    this.marked = true;
    return { undo: this.undos.length, keys: this.keys.mark(), ...this.stand };
  }

  /** Rolls back everything since a mark of the same batch. */
  rollbackTo(mark: Mark): void {
    for (const undo of this.undos.splice(mark.undo).reverse()) undo();
    this.lately = undefined;
    this.before = undefined;
    this.keys.rollbackTo(mark.keys);
    this.stand = { revision: mark.revision, event: mark.event, at: mark.at, epoch: mark.epoch };
  }

  /** The batch that ends here is in the log, and will not be rolled back. */
  settle(upTo: Revision): void {
    this.marked = false;
    this.undos.length = 0;
    this.settled = upTo;
  }

  /**
   * Writes the tail to the file in one transaction, in steps that can be run between batches. When a step yields a
   * promise, run the next one after it resolves. Starts only when every applied event is in the log; meanwhile,
   * decisions go on in a new tail.
   * @throws state_corrupt · state_unavailable: nothing was written; call `takeBackFlush` between two batches
   */
  *flush(): Flush {
    assert(!this.flushing && this.settled === this.stand.revision, "a flush starts between batches, one at a time");
    const stand = { ...this.stand };
    this.flushing = true;
    this.payments.freeze();
    let keysFault: unknown;
    const keysWritten = this.keys.write().catch((error: unknown) => {
      keysFault = error;
    });
    try {
      this.file.begin();
      yield* this.accounts.write();
      yield* this.payments.write();
      yield keysWritten;
      if (keysFault) throw keysFault;
      this.file.commit(stand, this.keys.record());
      this.keys.settle();
    } catch (error) {
      if (isStateFault(error)) this.file.rollback();
      throw error;
    }
    this.accounts.settle();
    yield* this.payments.settle();
    this.flushing = false;
  }

  /**
   * Returns the entries of a failed flush to the tail. Called between two batches, when nothing can be rolled back.
   */
  takeBackFlush(): void {
    if (!this.flushing) return;
    assert(this.settled === this.stand.revision, "a flush is taken back between batches");
    this.accounts.takeBack();
    this.payments.takeBack();
    this.keys.takeBack();
    this.flushing = false;
  }

  private indexClearing(account: AccountState): void {
    const name = `${account.tenant}\n${account.owner.slice("rail:".length)}\n${account.currency}`;
    if (this.clearingAccounts.has(name)) return;
    this.clearingAccounts.set(name, account.id);
    if (this.marked) this.undos.push(() => this.clearingAccounts.delete(name));
  }
}

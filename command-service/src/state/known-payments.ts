import { type Micros, type Payment, type PaymentId, type Revision, readId } from "ledger-core";
import { type DuePage, DueWalk, inTurn } from "./due-holds.ts";
import type { Pages } from "./pages.ts";
import { type DueHold, type KeptPayment, PaymentPages } from "./payment-pages.ts";
import { Recent } from "./recent.ts";
import type { StateLayout } from "./state-root.ts";

/** A payment and the revision of its last event. */
type KnownPayment = { readonly payment: Payment; readonly revision: Revision };
type Tail = Map<PaymentId, KnownPayment>;

export type KnownPaymentsOptions = {
  /** Payments kept in memory, besides the tail. Default 20,000; from 2. */
  readonly paymentsCached?: number;
  /** Pages of payments kept in memory, mostly of 2 to 12 KB. Default 128; from 2. */
  readonly paymentPagesCached?: number;
  /** Pages of payments read per look for due holds. Default 64, some 2 ms; from 1. */
  readonly duePagesPerLook?: number;
  /** Looks of a pass over all due holds: with more due, a look reads more pages. Default 16; from 1. */
  readonly dueLooksPerPass?: number;
};

/** The payments with more than one event or a hold: a tail in memory, a tail being written, and pages on disk. */
export class KnownPayments {
  private readonly cached: Recent<PaymentId, KnownPayment>;
  private readonly disk: PaymentPages;
  private readonly walk: DueWalk;
  private tail: Tail = new Map();
  /** The tail being written by a flush; it stays readable. */
  private writing: Tail | undefined;

  constructor(pages: Pages, layout: StateLayout, options: KnownPaymentsOptions) {
    const { paymentsCached = 20_000, paymentPagesCached = 128, duePagesPerLook = 64, dueLooksPerPass = 16 } = options;
    this.cached = new Recent(Math.max(1, Math.ceil(paymentsCached / 2)));
    this.disk = new PaymentPages({ pages, layout, cached: paymentPagesCached });
    this.walk = new DueWalk(this.disk, duePagesPerLook, dueLooksPerPass);
  }

  /** Payments for the next flush to write. */
  get tailSize(): number {
    return this.tail.size;
  }
  /** Payments of a flush that is under way or failed. */
  get writingSize(): number {
    return this.writing?.size ?? 0;
  }

  /** A payment that is in memory. */
  get(id: PaymentId): Payment | undefined {
    return this.known(id)?.payment;
  }

  private known(id: PaymentId): KnownPayment | undefined {
    return this.tail.get(id) ?? this.writing?.get(id) ?? this.cached.get(id);
  }

  /** @returns the undo, within the same batch */
  put(payment: Payment, revision: Revision): () => void {
    const { tail } = this;
    const { id } = payment;
    const before = tail.get(id);
    tail.set(id, { payment, revision });
    return () => (before ? tail.set(id, before) : tail.delete(id));
  }

  /** The revision of a payment's last event: from memory, from disk, or from its id. */
  revisionOf(id: PaymentId): Revision {
    return this.known(id)?.revision ?? this.disk.revisionOf(id) ?? readId(id).revision;
  }

  /** Caches a payment that was read back from the log, unless a newer one is known. */
  admit(payment: Payment, revision: Revision): void {
    if (this.revisionOf(payment.id) === revision) this.cached.set(payment.id, { payment, revision });
  }

  /**
   * Payments whose authorization expired by `now`. Repeated calls find all of them, taking turns between tenants.
   * @param limit the most from disk, and the most from the tail
   */
  due(now: Micros, limit: number): DuePage {
    const isKnown = (id: PaymentId) => this.tail.has(id) || this.writing?.has(id) === true;
    const { holds, more } = this.walk.next(now, limit, isKnown);
    const recent = this.dueInTail(now);
    const payments = inTurn([...holds, ...inTurn(recent, limit)]).map(({ id }) => id);
    return { payments, more: more || recent.length > limit };
  }

  private dueInTail(now: Micros): DueHold[] {
    const due: DueHold[] = [];
    for (const payments of [this.writing, this.tail]) {
      for (const [id, { payment }] of payments ?? []) {
        const { tenant, held, expiresAt } = payment;
        const newest = payments === this.tail || !this.tail.has(id);
        if (newest && held > 0n && expiresAt !== null && expiresAt <= now) due.push({ id, tenant, expiresAt });
      }
    }
    return due;
  }

  /** Starts a new tail; `write` writes the old one. */
  freeze(): void {
    this.writing = this.tail;
    this.tail = new Map();
  }
  *write(): Generator<void> {
    if (this.writing) yield* this.disk.write(keptOf(this.writing));
  }
  /** The write was committed: moves its payments to the cache, in slices. */
  *settle(): Generator<void> {
    this.disk.settle();
    this.walk.restart();
    let done = 0;
    for (const [id, known] of this.writing ?? []) {
      this.cached.set(id, known);
      if (++done % 1024 === 0) yield;
    }
    this.writing = undefined;
  }

  /** Returns the payments of a failed write to the tail. Called when nothing can be rolled back. */
  takeBack(): void {
    const { writing, tail } = this;
    this.disk.takeBack();
    this.walk.restart();
    if (!writing) return;
    for (const [id, known] of tail) writing.set(id, known);
    this.tail = writing;
    this.writing = undefined;
  }
}

function* keptOf(payments: Tail): Generator<KeptPayment> {
  for (const { payment, revision } of payments.values()) {
    const { id, tenant, held, expiresAt } = payment;
    yield { id, revision, hold: held > 0n && expiresAt !== null ? { tenant, expiresAt } : null };
  }
}

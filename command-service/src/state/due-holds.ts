import type { Micros, PaymentId } from "ledger-core";
import type { DueHold, PaymentPages } from "./payment-pages.ts";

export type DuePage = {
  /** Tenants take turns; each tenant's holds come in order of expiry. */
  readonly payments: readonly PaymentId[];
  /** Whether more may be due: look again once these are released. */
  readonly more: boolean;
};

/**
 * Walks the due holds on disk, pages with the earliest expiry first. A page keeps a hold until the flush after its
 * release, so the walk skips released ones. Tenants take turns, so that none waits for another.
 */
export class DueWalk {
  readonly #disk: PaymentPages;
  readonly #pagesPerLook: number;
  readonly #looksPerPass: number;
  /** Pages that this pass still has to read; the next one is last. */
  #left: number[] = [];
  #share = 1;
  /** Holds found and not returned yet, at most `limit` per tenant. */
  #found = new Map<string, DueHold[]>();
  /** Whether some found no room there, so that another pass is needed. */
  #passedOver = false;

  /**
   * @param pagesPerLook pages that one look reads, few so that no command waits for them
   * @param looksPerPass looks that a pass takes at most: with more pages due, a look reads more of them
   */
  constructor(disk: PaymentPages, pagesPerLook: number, looksPerPass: number) {
    this.#disk = disk;
    this.#pagesPerLook = pagesPerLook;
    this.#looksPerPass = looksPerPass;
  }

  /** Starts over: the file was written, and no longer has the released holds. */
  restart(): void {
    this.#left = [];
    this.#found.clear();
    this.#passedOver = false;
  }

  /** The next due holds, at most `limit`, without those in the tail. */
  next(now: Micros, limit: number, isKnown: (id: PaymentId) => boolean): { holds: DueHold[]; more: boolean } {
    if (this.#left.length === 0 && this.#found.size === 0) this.#begin(now);
    for (let looked = 0; looked < this.#share; looked++) {
      const page = this.#left.pop();
      if (page === undefined) break;
      for (const hold of this.#disk.dueOn(page, now)) if (!isKnown(hold.id)) this.#keep(hold, limit);
    }
    const holds = this.#take(limit, isKnown);
    return { holds, more: this.#left.length > 0 || this.#found.size > 0 || this.#passedOver };
  }

  #begin(now: Micros): void {
    this.#left = this.#disk.duePages(now).reverse();
    this.#share = Math.max(this.#pagesPerLook, Math.ceil(this.#left.length / this.#looksPerPass));
    this.#passedOver = false;
  }

  #keep(hold: DueHold, limit: number): void {
    const others = this.#found.get(hold.tenant) ?? [];
    if (others.length >= limit) this.#passedOver = true;
    else others.push(hold);
    this.#found.set(hold.tenant, others);
  }

  #take(limit: number, isKnown: (id: PaymentId) => boolean): DueHold[] {
    const taken: DueHold[] = [];
    while (taken.length < limit && this.#found.size > 0) {
      for (const [tenant, own] of this.#found) {
        const hold = own.shift();
        if (hold && !isKnown(hold.id) && taken.push(hold) >= limit) break;
        if (own.length === 0) this.#found.delete(tenant);
      }
    }
    return taken;
  }
}

/** Up to `limit` holds: tenants take turns, and each tenant's holds come in order of expiry. */
export function inTurn(holds: readonly DueHold[], limit = holds.length): DueHold[] {
  const byTenant = new Map<string, DueHold[]>();
  for (const hold of holds) {
    const others = byTenant.get(hold.tenant);
    if (others) others.push(hold);
    else byTenant.set(hold.tenant, [hold]);
  }
  for (const own of byTenant.values()) own.sort((a, b) => a.expiresAt - b.expiresAt);
  const turns: DueHold[] = [];
  for (let round = 0; turns.length < Math.min(limit, holds.length); round++) {
    for (const own of byTenant.values()) {
      const hold = own[round];
      if (hold && turns.length < limit) turns.push(hold);
    }
  }
  return turns;
}

import type { Micros, PaymentId } from "ledger-core";

/** A hold whose time has come, and whose it is. */
export type DueHold = { readonly id: PaymentId; readonly tenant: string; readonly expiresAt: Micros };

/** A place among a tenant's holds, which lie in the order of their time and then of their ids. */
export type DuePlace = { readonly expiresAt: Micros; readonly id: string };

/** The open holds of the state file by the time at which they end. */
export type DueIndex = {
  /** The first of all. */
  due(now: Micros, limit: number): DueHold[];
  /** Those of a tenant after a place. */
  dueOf(tenant: string, now: Micros, after: DuePlace, limit: number): DueHold[];
  /** The next tenant by name that has an open hold, and when its first one ends. */
  nextTenant(after: string): { readonly tenant: string; readonly first: Micros } | undefined;
};

export type DuePage = {
  /** Each tenant's in the order of their time, the tenants in turn. */
  readonly payments: readonly PaymentId[];
  /** Whether more may be due: look again once these are released, or at once when there are none. */
  readonly more: boolean;
};

/** Entries that are looked at for each one asked for: most may be known as released. */
const LOOKS_PER_HOLD = 8;
const start: DuePlace = { expiresAt: Number.MIN_SAFE_INTEGER, id: "" };

/**
 * Walks the due holds of the state file. The file keeps a hold until the flush after its release, so any number of those at the front may be
 * released already: the walk goes past them, page by page. It takes tenants in turn, so that none waits for the holds of another.
 */
export class DueWalk {
  readonly #index: DueIndex;
  /** How far each tenant's holds were walked, and whether that was to their end. */
  readonly #walks = new Map<string, { readonly place: DuePlace; readonly ended: boolean }>();
  /** The tenant whose turn was last; empty before the first. */
  #tenant = "";

  constructor(index: DueIndex) {
    this.#index = index;
  }

  /** Begins at the front again: the file was written, and no longer has what was released. */
  restart(): void {
    this.#walks.clear();
  }

  /** The next due holds, about `limit` of them, without those that the tail knows. */
  next(now: Micros, limit: number, isKnown: (id: PaymentId) => boolean): { holds: DueHold[]; more: boolean } {
    const first = this.#index.due(now, limit);
    if (first.length < limit) {
      this.restart();
      return { holds: first.filter(({ id }) => !isKnown(id)), more: false };
    }
    const tenants = this.#tenantsInTurn(now, limit);
    const share = Math.ceil(limit / Math.max(1, tenants.length));
    const holds: DueHold[] = [];
    for (const tenant of tenants) this.#walk(tenant, now, share, isKnown, holds);
    const more = this.#tenant !== "" || [...this.#walks.values()].some(({ ended }) => !ended);
    if (!more) this.restart();
    return { holds, more };
  }

  /** Up to `limit` tenants with a hold that is due, from the one after the last. Few looks, so that no command waits for them. */
  #tenantsInTurn(now: Micros, limit: number): string[] {
    const tenants: string[] = [];
    for (let looks = LOOKS_PER_HOLD * limit; looks > 0 && tenants.length < limit; looks--) {
      const next = this.#index.nextTenant(this.#tenant);
      this.#tenant = next?.tenant ?? "";
      if (!next) break;
      if (next.first <= now) tenants.push(next.tenant);
    }
    return tenants;
  }

  #walk(tenant: string, now: Micros, share: number, isKnown: (id: PaymentId) => boolean, into: DueHold[]): void {
    let { place } = this.#walks.get(tenant) ?? { place: start };
    let left = share;
    let ended = false;
    for (let looks = LOOKS_PER_HOLD * share; looks > 0 && left > 0 && !ended; ) {
      const asked = Math.min(left, looks);
      const holds = this.#index.dueOf(tenant, now, place, asked);
      for (const hold of holds) {
        if (isKnown(hold.id)) continue;
        into.push(hold);
        left--;
      }
      looks -= asked;
      ended = holds.length < asked;
      place = holds.at(-1) ?? place;
    }
    this.#walks.set(tenant, { place, ended });
  }
}

/** Up to `limit` of some holds: each tenant's in the order of their time, the tenants in turn. */
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

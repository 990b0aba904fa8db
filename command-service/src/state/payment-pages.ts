import { idBody, type Micros, makeId, type PaymentId, type Revision, readId, readRevision } from "ledger-core";
import { PagedList } from "./paged-list.ts";
import type { Pages } from "./pages.ts";
import { Recent } from "./recent.ts";
import { stateCorrupt } from "./state-faults.ts";
import type { StateLayout } from "./state-root.ts";

/** A hold and its expiry. */
export type DueHold = { readonly id: PaymentId; readonly tenant: string; readonly expiresAt: Micros };

/** The stored part of a payment that has more than one event or a hold. */
export type KeptPayment = {
  readonly id: PaymentId;
  /** The revision of its last event, which holds the whole payment. */
  readonly revision: Revision;
  /** The hold; null if nothing is held. */
  readonly hold: { readonly tenant: string; readonly expiresAt: Micros } | null;
};

/*
 * A page holds the payments whose first event lies in one window of the revisions, in that order, a row of doubles
 * each:
 *   first revision · time of the id · shard × 2^30 + salt of the id · last revision · end of its hold (0: none) ·
 *   tenant's number
 * A page's mark in the directory is the end of its earliest hold; 0: it has none.
 */
const COLUMNS = 6;
const SALTS = 2 ** 30;
const SLICE = 1024;

type PaymentPagesOptions = {
  readonly pages: Pages;
  readonly layout: StateLayout;
  /** Pages kept in memory. */
  readonly cached: number;
};

/** The payments on disk. The directory lists the existing pages, so that the absence of a payment is certain. */
export class PaymentPages {
  private readonly pages: Pages;
  private readonly window: number;
  private readonly tenants: PagedList<string>;
  private readonly tenantNumbers = new Map<string, number>();
  private readonly cachedMax: number;
  private recent: Recent<number, Float64Array>;
  /** No hold on disk ends before this time. */
  private quietUntil = 0;

  constructor({ pages, layout, cached }: PaymentPagesOptions) {
    this.pages = pages;
    this.window = layout.revisionsPerPage;
    this.tenants = new PagedList({ pages, kind: "tenants", perPage: layout.valuesPerPage, parse: parseTenant });
    for (const [number, tenant] of this.tenants.values.entries()) this.tenantNumbers.set(tenant, number);
    this.cachedMax = Math.max(1, Math.ceil(cached / 2));
    this.recent = new Recent(this.cachedMax);
  }

  /**
   * The revision of a payment's last event; undefined if it has only one event and no hold, or does not exist.
   */
  revisionOf(id: PaymentId): Revision | undefined {
    const first = readRevision(id);
    const rows = this.read(Math.floor(first / this.window));
    for (let low = 0, high = rows.length / COLUMNS - 1; low <= high; ) {
      const middle = (low + high) >>> 1;
      const found = rows[middle * COLUMNS] ?? 0;
      if (found === first) return rows[middle * COLUMNS + 3];
      if (found < first) low = middle + 1;
      else high = middle - 1;
    }
    return undefined;
  }

  /** Pages with a hold that ended by `now`, earliest first. */
  duePages(now: Micros): number[] {
    if (now < this.quietUntil) return [];
    const marks = this.pages.marks("payments");
    const due: number[] = [];
    let later = Number.POSITIVE_INFINITY;
    for (let page = 0; page < marks.length; page++) {
      const mark = marks[page] ?? 0;
      if (mark === 0) continue;
      if (mark <= now) due.push(page);
      else if (mark < later) later = mark;
    }
    if (due.length === 0) this.quietUntil = later;
    return due.sort((a, b) => (marks[a] ?? 0) - (marks[b] ?? 0));
  }

  /** The holds on a page that ended by `now`. */
  dueOn(page: number, now: Micros): DueHold[] {
    const rows = this.read(page);
    const due: DueHold[] = [];
    for (let at = 0; at < rows.length; at += COLUMNS) {
      const expiresAt = rows[at + 4] ?? 0;
      if (expiresAt === 0 || expiresAt > now) continue;
      const tenant = this.tenants.values[rows[at + 5] ?? -1];
      if (tenant === undefined) throw stateCorrupt(`a payment on page ${page} is of no known tenant`);
      due.push({ id: idOf(rows, at), tenant, expiresAt });
    }
    return due;
  }

  /** Writes payments page by page; yields between slices. */
  *write(payments: Iterable<KeptPayment>): Generator<void> {
    const byPage = new Map<number, KeptPayment[]>();
    let seen = 0;
    for (const payment of payments) {
      const page = Math.floor(readRevision(payment.id) / this.window);
      const others = byPage.get(page);
      if (others) others.push(payment);
      else byPage.set(page, [payment]);
      if (++seen % SLICE === 0) yield;
    }
    for (const page of [...byPage.keys()].sort((a, b) => a - b)) {
      this.writePage(page, byPage.get(page) ?? []);
      yield;
    }
    this.tenants.write();
  }

  settle(): void {
    this.tenants.settle();
  }

  /** The last `write` was not committed. */
  takeBack(): void {
    this.recent = new Recent(this.cachedMax);
    this.quietUntil = 0;
  }

  private writePage(page: number, changed: readonly KeptPayment[]): void {
    const rows = this.merge(this.read(page), changed);
    let earliest = 0;
    for (let at = 4; at < rows.length; at += COLUMNS) {
      const ends = rows[at] ?? 0;
      if (ends !== 0 && (earliest === 0 || ends < earliest)) earliest = ends;
    }
    if (earliest !== 0) this.quietUntil = Math.min(this.quietUntil, earliest);
    this.pages.write("payments", page, new Uint8Array(rows.buffer), earliest);
    this.recent.set(page, rows);
  }

  /** Merges changed and new payments into the rows of a page, sorted by first revision. */
  private merge(rows: Float64Array, changed: readonly KeptPayment[]): Float64Array {
    const incoming = changed.map((payment) => this.rowOf(payment)).sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0));
    const merged = new Float64Array(rows.length + incoming.length * COLUMNS);
    let [from, to] = [0, 0];
    for (const row of incoming) {
      const first = row[0] ?? 0;
      const start = from;
      while (from < rows.length && (rows[from] ?? 0) < first) from += COLUMNS;
      merged.set(rows.subarray(start, from), to);
      to += from - start;
      if (rows[from] === first) from += COLUMNS;
      merged.set(row, to);
      to += COLUMNS;
    }
    merged.set(rows.subarray(from), to);
    return merged.slice(0, to + rows.length - from);
  }

  private rowOf({ id, revision, hold }: KeptPayment): number[] {
    const { revision: first, timeMs, shard, salt } = readId(id);
    const tenant = hold ? this.tenantNumber(hold.tenant) : 0;
    return [first, timeMs, shard * SALTS + salt, revision, hold?.expiresAt ?? 0, tenant];
  }

  private tenantNumber(tenant: string): number {
    const known = this.tenantNumbers.get(tenant);
    if (known !== undefined) return known;
    const number = this.tenants.values.push(tenant) - 1;
    this.tenantNumbers.set(tenant, number);
    return number;
  }

  /** The rows of a page; empty if it does not exist. */
  private read(page: number): Float64Array {
    const known = this.recent.get(page);
    if (known) return known;
    if (!this.pages.has("payments", page)) return new Float64Array(0);
    const bytes = this.pages.read("payments", page);
    if (bytes.length % (COLUMNS * 8) !== 0) throw stateCorrupt(`page ${page} of payments has ${bytes.length} bytes`);
    const rows = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8);
    this.recent.set(page, rows);
    return rows;
  }
}

function idOf(rows: Float64Array, at: number): PaymentId {
  const origin = rows[at + 2] ?? 0;
  const position = { shard: Math.floor(origin / SALTS), revision: rows[at] ?? 0 };
  return makeId("pay", idBody((rows[at + 1] ?? 0) * 1000, position, origin % SALTS));
}

function parseTenant(json: unknown): string {
  if (typeof json !== "string") throw new TypeError("not a tenant");
  return json;
}

import type { AccountState, AccountTotals, Amount, BusinessDate, Limits } from "ledger-core";
import { type AccountBlock, type PageRoom, PROFILE_BYTES, STANDING_BYTES } from "./account-block.ts";

/*
 * A page of accounts in fixed places, in two parts, little-endian in memory and on disk:
 *
 *   standing, 32 bytes an account: posted 8 · held 8 · spent 8 · day 4 (20261122; 0: none) · kind 4
 *   profile, 48 bytes an account: floor 8 · per transaction 8 · per day 8 (each −2^63: none) ·
 *   revision of the event that opened it 8 · its time 8 · salt of its id 4 · shard 2 · form of its limits 2
 *
 * Payments change the standing, and every flush writes it again; the profile is written once.
 */
const NONE = -(2n ** 63n);
/** Sums whose upper half is below it are exact numbers, and stay so when another is added. */
const HIGH_EXACT = 2 ** 20;

/** A page of accounts, in the order in which they were opened. */
export class AccountPage {
  readonly number: number;
  /** The number of its accounts. */
  count = 0;
  /** Used since the cache last looked for a page to drop. */
  used = true;
  /** Changed since the last flush began. */
  dirty = false;
  /** An account was opened on it since the last flush began. */
  grown = false;
  /** Not written yet by the flush under way: its accounts as of the flush's start. */
  pending: { readonly count: number; before: Uint8Array | undefined } | undefined;
  /** Part of the flush under way: it stays in memory until that is committed. */
  flushing: { readonly grown: boolean } | undefined;

  /** Its memory, which the page that replaces it in the cache reuses. */
  readonly room: PageRoom;
  private readonly block: AccountBlock;
  private readonly from: number;

  /** @param stored its two parts, as a flush wrote them */
  constructor(
    number: number,
    room: PageRoom,
    stored?: { readonly standing: Uint8Array; readonly profile: Uint8Array },
  ) {
    this.number = number;
    this.room = room;
    this.block = room.block;
    this.from = room.from;
    if (!stored) return;
    this.block.standing.set(stored.standing, this.from * STANDING_BYTES);
    this.block.profile.set(stored.profile, this.from * PROFILE_BYTES);
    this.count = stored.standing.length / STANDING_BYTES;
  }

  /**
   * The index of the account opened at a revision; −1 if there is none. Searches around the likely index: a binary
   * search from the middle would be a cache miss at each step.
   * @param first the revision of the page's first account @param next the first revision of the next page
   */
  indexOf(revision: number, first: number, next: number): number {
    const last = this.count - 1;
    if (last < 0) return -1;
    let low = this.likelyIndex(revision, first, next);
    let high = low;
    for (let step = 1; low > 0 && this.revision(low) > revision; step *= 2) low = Math.max(0, low - step);
    for (let step = 1; high < last && this.revision(high) < revision; step *= 2) high = Math.min(last, high + step);
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const found = this.revision(middle);
      if (found === revision) return middle;
      if (found < revision) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  private likelyIndex(revision: number, first: number, next: number): number {
    const share = (revision - first) / (Math.max(next, first + 1) - first);
    return Math.min(this.count - 1, Math.max(0, Math.floor(share * this.count)));
  }

  /**
   * Touches the account that was likely opened at a revision, so that its bytes are in the CPU's caches when needed.
   */
  touchLikely(revision: number, first: number, next: number): number {
    const place = this.from + this.likelyIndex(revision, first, next);
    const { marks, parts } = this.block;
    return (marks[place * 8 + 7] ?? 0) ^ (parts[place * 12 + 6] ?? 0) ^ (parts[place * 12 + 11] ?? 0);
  }

  posted(index: number): Amount {
    return this.block.sums[(this.from + index) * 4] ?? 0n;
  }
  /** `posted` as a number; NaN if that might not be exact. */
  postedExact(index: number): number {
    const at = (this.from + index) * 8;
    const high = this.block.marks[at + 1] ?? 0;
    return Math.abs(high) < HIGH_EXACT ? high * 2 ** 32 + ((this.block.marks[at] ?? 0) >>> 0) : Number.NaN;
  }
  setPostedExact(index: number, posted: number): void {
    const at = (this.from + index) * 8;
    this.block.marks[at] = posted | 0;
    this.block.marks[at + 1] = Math.floor(posted / 2 ** 32);
  }
  held(index: number): Amount {
    return this.block.sums[(this.from + index) * 4 + 1] ?? 0n;
  }
  spent(index: number): Amount {
    return this.block.sums[(this.from + index) * 4 + 2] ?? 0n;
  }
  day(index: number): BusinessDate | null {
    return readDay(this.block.marks[(this.from + index) * 8 + 6] ?? 0);
  }
  kind(index: number): number {
    return this.block.marks[(this.from + index) * 8 + 7] ?? 0;
  }
  revision(index: number): number {
    return this.block.origins[(this.from + index) * 6 + 3] ?? 0;
  }
  openedAt(index: number): number {
    return this.block.origins[(this.from + index) * 6 + 4] ?? 0;
  }
  salt(index: number): number {
    return this.block.parts[(this.from + index) * 12 + 10] ?? 0;
  }
  shard(index: number): number {
    return this.block.forms[(this.from + index) * 24 + 22] ?? 0;
  }
  hasDailyLimit(index: number): boolean {
    if (this.block.forms[(this.from + index) * 24 + 23] !== Form.own) return false;
    return this.block.limits[(this.from + index) * 6 + 2] !== NONE;
  }
  limitsAt(index: number): Limits {
    const form = this.block.forms[(this.from + index) * 24 + 23];
    if (form === Form.unlimited) return unlimited;
    if (form === Form.notBelowZero) return notBelowZero;
    const floor = this.block.limits[(this.from + index) * 6] ?? NONE;
    const perTransaction = this.block.limits[(this.from + index) * 6 + 1] ?? NONE;
    const perDay = this.block.limits[(this.from + index) * 6 + 2] ?? NONE;
    return { floor: orNull(floor), perTransaction: orNull(perTransaction), perDay: orNull(perDay) };
  }

  move(index: number, { balances, day, spent }: AccountTotals): void {
    this.block.sums[(this.from + index) * 4] = balances.posted;
    this.block.sums[(this.from + index) * 4 + 1] = balances.held;
    this.block.sums[(this.from + index) * 4 + 2] = spent;
    this.block.marks[(this.from + index) * 8 + 6] = dayNumber(day);
  }
  setKind(index: number, kind: number): void {
    this.block.marks[(this.from + index) * 8 + 7] = kind;
  }

  /** Adds an account. */
  open(account: AccountState, origin: { revision: number; salt: number; shard: number }, kind: number): number {
    const index = this.count++;
    this.move(index, account);
    this.setKind(index, kind);
    const { floor, perTransaction, perDay } = account.limits;
    this.block.limits[(this.from + index) * 6] = floor ?? NONE;
    this.block.limits[(this.from + index) * 6 + 1] = perTransaction ?? NONE;
    this.block.limits[(this.from + index) * 6 + 2] = perDay ?? NONE;
    this.block.origins[(this.from + index) * 6 + 3] = origin.revision;
    this.block.origins[(this.from + index) * 6 + 4] = account.openedAt;
    this.block.parts[(this.from + index) * 12 + 10] = origin.salt;
    this.block.forms[(this.from + index) * 24 + 22] = origin.shard;
    this.block.forms[(this.from + index) * 24 + 23] = formOf(account.limits);
    return index;
  }

  /** The standing of the first `count` accounts; a view. */
  standingBytes(count: number): Uint8Array {
    const begin = this.from * STANDING_BYTES;
    return this.block.standing.subarray(begin, begin + count * STANDING_BYTES);
  }
  profileBytes(count: number): Uint8Array {
    const begin = this.from * PROFILE_BYTES;
    return this.block.profile.subarray(begin, begin + count * PROFILE_BYTES);
  }
}

/** The usual limits have a number, so that they need not be read. */
const Form = { own: 0, unlimited: 1, notBelowZero: 2 } as const;
const unlimited: Limits = { floor: null, perTransaction: null, perDay: null };
const notBelowZero: Limits = { floor: 0n, perTransaction: null, perDay: null };

function formOf({ floor, perTransaction, perDay }: Limits): number {
  if (perTransaction !== null || perDay !== null) return Form.own;
  if (floor === null) return Form.unlimited;
  return floor === 0n ? Form.notBelowZero : Form.own;
}

function orNull(limit: Amount): Amount | null {
  return limit === NONE ? null : limit;
}

function dayNumber(day: BusinessDate | null): number {
  if (day === null) return 0;
  return Number(day.slice(0, 4)) * 10_000 + Number(day.slice(5, 7)) * 100 + Number(day.slice(8));
}

let lastNumber = 0;
let lastDay: BusinessDate | null = null;

/** Remembers the last day: nearly all accounts that spent something did so today. */
function readDay(number: number): BusinessDate | null {
  if (number === 0) return null;
  if (number !== lastNumber) {
    const text = String(number).padStart(8, "0");
    lastNumber = number;
    lastDay = `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6)}` as BusinessDate;
  }
  return lastDay;
}

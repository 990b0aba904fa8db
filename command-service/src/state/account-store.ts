import {
  type AccountId,
  type AccountState,
  type AccountTotals,
  assert,
  type IdParts,
  idBody,
  makeId,
  type Revision,
  readId,
  readRevision,
} from "ledger-core";
import { AccountKinds } from "./account-kinds.ts";
import { AccountNamePages, type AccountNames } from "./account-names.ts";
import type { AccountPage } from "./account-page.ts";
import { PageCache } from "./page-cache.ts";
import { likelyPage, pageNumberOf } from "./page-number.ts";
import { PagedList } from "./paged-list.ts";
import type { Pages } from "./pages.ts";
import { stateCorrupt } from "./state-faults.ts";
import type { StateLayout } from "./state-root.ts";
import { StoredAccount } from "./stored-account.ts";

type AccountStoreOptions = {
  readonly pages: Pages;
  /** Accounts kept in memory, besides those changed since the last flush: 80 bytes each. */
  readonly cached: number;
  /** Names kept in memory, besides the unwritten ones. */
  readonly namesCached: number;
  readonly layout: StateLayout;
};

/**
 * The shard's accounts, in pages in the order of the log. The revision in an account's id leads to its page through the
 * list of the pages' first revisions, so there is no index by id, and a flush writes whole pages in order.
 */
export class AccountStore {
  private readonly disk: Pages;
  private readonly perPage: number;
  private readonly firsts: Revision[];
  private readonly pages: PageCache;
  /** Buffers of `prefetch`: its revisions, and a sum that keeps its reads from being optimized away. */
  private sought = new Float64Array(64);
  private fetched = 0;
  private dirty: AccountPage[] = [];
  /** The pages of the flush under way, which stay in memory until it is committed. */
  private writing: AccountPage[] = [];
  private readonly kinds: AccountKinds;
  private readonly names: AccountNamePages;
  /** The revisions at which the ledger's own accounts were opened. */
  private readonly clearing: PagedList<Revision>;

  constructor({ pages, cached, namesCached, layout }: AccountStoreOptions) {
    const { accountsPerPage, valuesPerPage: perPage } = layout;
    this.disk = pages;
    this.perPage = accountsPerPage;
    this.firsts = [...pages.marks("profiles")];
    const most = Math.max(2, Math.ceil(cached / accountsPerPage));
    this.pages = new PageCache({ disk: pages, stored: this.firsts.length, accountsPerPage, most });
    this.kinds = new AccountKinds(pages, perPage);
    this.names = new AccountNamePages(pages, namesCached);
    this.clearing = new PagedList({ pages, kind: "clearing", perPage, parse: parseRevision });
  }

  get changedPages(): number {
    return this.dirty.length;
  }

  find(id: AccountId): StoredAccount | undefined {
    const parts = readId(id);
    const page = this.pageOf(parts.revision);
    const index = page ? this.indexOf(page, parts) : -1;
    return page && index >= 0 ? this.read(id, page, index) : undefined;
  }

  /** The index of an account on its page; −1 if the page has none with exactly this id. */
  indexOf(page: AccountPage, { timeMs, shard, revision, salt }: IdParts): number {
    const index = this.indexIn(page, revision);
    if (index < 0) return -1;
    const same =
      page.salt(index) === salt && page.shard(index) === shard && Math.floor(page.openedAt(index) / 1000) === timeMs;
    return same ? index : -1;
  }

  /**
   * Loads accounts that are about to be read into the CPU's caches. The reads are independent, so their cache misses
   * overlap.
   */
  prefetch(ids: readonly AccountId[]): void {
    if (this.sought.length < ids.length) this.sought = new Float64Array(ids.length);
    const { sought } = this;
    for (let i = 0; i < ids.length; i++) sought[i] = readRevision(ids[i] ?? "");
    this.prefetchOpened(sought, ids.length);
  }

  /** The same for the accounts opened at the first `count` revisions. */
  prefetchOpened(revisions: Float64Array, count: number): void {
    const { firsts } = this;
    for (let i = 0; i < count; i++) {
      const revision = revisions[i] ?? 0;
      const likely = likelyPage(firsts, revision);
      const number = (firsts[likely] ?? 0) > revision ? likely - 1 : likely;
      const next = firsts[number + 1] ?? revision + 1;
      this.fetched ^= this.pages.peek(number)?.touchLikely(revision, firsts[number] ?? 0, next) ?? 0;
    }
  }

  /** The clearing accounts in the file. */
  clearingAccounts(): StoredAccount[] {
    return this.clearing.values.map((revision) => {
      const page = this.pageOf(revision);
      const index = page ? this.indexIn(page, revision) : -1;
      if (!page || index < 0) throw stateCorrupt(`there is no clearing account of revision ${revision}`);
      const place = { shard: page.shard(index), revision };
      return this.read(makeId("acct", idBody(page.openedAt(index), place, page.salt(index))), page, index);
    });
  }

  /** Adds an account, or changes its status. @returns the undo */
  put(account: AccountState): () => void {
    const known = this.find(account.id);
    return known ? this.change(known, account) : this.open(account);
  }

  move(account: StoredAccount, to: AccountTotals): void {
    const page = this.present(account.page);
    this.touch(page);
    page.move(account.index, to);
  }

  /** The undo of a movement that is about to be made. */
  undoOf(account: StoredAccount): () => void {
    const { balances, day, spent, kind } = account;
    return () => {
      const page = this.present(account.page);
      this.touch(page);
      page.move(account.index, { balances, day, spent });
      page.setKind(account.index, this.kinds.numberOf(kind));
    };
  }

  namesOf(page: AccountPage, index: number): AccountNames {
    return this.names.of(page, index);
  }

  /** Writes all changes as of now, whatever changes meanwhile; yields between slices. */
  *write(): Generator<void> {
    const changed = this.dirty;
    this.dirty = [];
    this.names.freeze();
    for (const page of changed) {
      if (page.count === 0) {
        // Its only account was rolled back: nothing of the page is on disk, and it waits for the next account.
        this.dirty.push(page);
        continue;
      }
      page.pending = { count: page.count, before: undefined };
      page.flushing = { grown: page.grown };
      page.dirty = false;
      page.grown = false;
      this.writing.push(page);
    }
    this.kinds.write();
    this.clearing.write();
    let written = 0;
    for (const page of this.writing) {
      this.writePage(page);
      if (++written % 8 === 0) yield;
    }
  }

  /** The last `write` was committed. */
  settle(): void {
    for (const page of this.writing) page.flushing = undefined;
    this.writing = [];
    this.names.settle();
    this.kinds.settle();
    this.clearing.settle();
  }

  /** The last `write` was not committed: the next one writes its changes again. */
  takeBack(): void {
    for (const page of this.writing) {
      page.grown ||= page.flushing?.grown ?? false;
      page.flushing = undefined;
      page.pending = undefined;
      this.touch(page);
    }
    this.writing = [];
    this.names.takeBack();
  }

  private writePage(page: AccountPage): void {
    const { pending, flushing } = page;
    if (!pending) return;
    const { disk } = this;
    disk.write("standings", page.number, pending.before ?? page.standingBytes(pending.count));
    if (flushing?.grown) {
      disk.write("profiles", page.number, page.profileBytes(pending.count), this.firsts[page.number]);
      this.names.write(page, pending.count);
    }
    page.pending = undefined;
  }

  /** Called before a page changes; keeps the old bytes for the flush under way. */
  touch(page: AccountPage): void {
    const { pending } = page;
    if (pending && !pending.before) pending.before = page.standingBytes(pending.count).slice();
    if (page.dirty) return;
    page.dirty = true;
    this.dirty.push(page);
  }

  private open(account: AccountState): () => void {
    const origin = readId(account.id);
    const { revision } = origin;
    const page = this.pageToGrow(revision);
    const { kinds, clearing } = this;
    const before = { kinds: kinds.count, clearing: clearing.values.length };
    this.touch(page);
    page.grown = true;
    page.open(account, origin, kinds.numberOf(account));
    this.names.put(revision, { owner: account.owner, displayName: account.displayName });
    if (account.type === "clearing") clearing.values.push(revision);
    return () => {
      this.touch(page);
      page.count--;
      this.names.drop(revision);
      clearing.truncate(before.clearing);
      kinds.truncate(before.kinds);
      if (page.count === 0) this.firsts[page.number] = Number.POSITIVE_INFINITY;
    };
  }

  private change(known: StoredAccount, account: AccountState): () => void {
    const undo = this.undoOf(known);
    const { kinds } = this;
    const kindsBefore = kinds.count;
    const page = this.present(known.page);
    this.touch(page);
    page.move(known.index, account);
    page.setKind(known.index, kinds.numberOf(account));
    return () => {
      undo();
      kinds.truncate(kindsBefore);
    };
  }

  /**
   * The last page, or a new one. Of trailing pages whose accounts were all rolled back, the first: `firsts` must stay
   * sorted.
   */
  private pageToGrow(revision: Revision): AccountPage {
    let last = this.firsts.length - 1;
    while (last > 0 && this.firsts[last - 1] === Number.POSITIVE_INFINITY) last--;
    const page = last >= 0 ? this.pages.get(last) : undefined;
    if (page && page.count < this.perPage) {
      if (page.count === 0) this.firsts[last] = revision;
      assert(page.count === 0 || page.revision(page.count - 1) < revision, "accounts are opened in the log's order");
      return page;
    }
    this.firsts.push(revision);
    return this.pages.grow();
  }

  pageOf(revision: Revision): AccountPage | undefined {
    const number = pageNumberOf(this.firsts, revision);
    return number < 0 ? undefined : this.pages.get(number);
  }

  private indexIn(page: AccountPage, revision: Revision): number {
    const { number } = page;
    const next = this.firsts[number + 1] ?? page.revision(page.count - 1) + 1;
    return page.indexOf(revision, this.firsts[number] ?? 0, next);
  }

  knowsKind(kind: number): boolean {
    return kind < this.kinds.count;
  }

  present(page: AccountPage): AccountPage {
    return this.pages.present(page);
  }

  private read(id: AccountId, page: AccountPage, index: number): StoredAccount {
    return new StoredAccount(id, this.kinds.at(page.kind(index)), page, index, this);
  }
}

function parseRevision(json: unknown): Revision {
  if (typeof json !== "number") throw new TypeError("not a revision");
  return json;
}

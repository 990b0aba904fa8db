import {
  type AccountId,
  type AccountState,
  assert,
  idBody,
  makeId,
  type Revision,
  readId,
  type Standing,
} from "ledger-core";
import { PageRooms } from "./account-block.ts";
import { AccountPage } from "./account-page.ts";
import type { AccountKind, AccountNames, AccountTables } from "./account-tables.ts";
import { Recent } from "./recent.ts";
import { StoredAccount } from "./stored-account.ts";

export type AccountStoreOptions = {
  readonly tables: AccountTables;
  /** Accounts kept in memory, beside those that changed since the last flush: 80 bytes each. */
  readonly cached: number;
  readonly accountsPerPage: number;
};

/**
 * The shard's accounts. They are opened in the order of the log, so they lie in pages in that order and an account's place is found by the
 * revision in its id, in a list of the pages' first revisions: there is no index by id, and a flush writes whole pages in a sweep.
 */
export class AccountStore {
  private readonly tables: AccountTables;
  private readonly perPage: number;
  private readonly firsts: Revision[];
  private readonly pages: (AccountPage | undefined)[];
  private readonly rooms: PageRooms;
  /** The pages in memory, and where the search for one to drop goes on. */
  private readonly resident: AccountPage[] = [];
  private readonly residentMax: number;
  private hand = 0;
  private dirty: AccountPage[] = [];
  private readonly kinds: AccountKind[];
  private readonly kindNumbers = new Map<string, number>();
  private kindsWritten: number;
  private names = new Map<Revision, AccountNames>();
  private writingNames = new Map<Revision, AccountNames>();
  private readonly cachedNames = new Recent<Revision, AccountNames>(25_000);
  private clearing: Revision[] = [];

  constructor({ tables, cached, accountsPerPage }: AccountStoreOptions) {
    this.tables = tables;
    this.perPage = accountsPerPage;
    this.residentMax = Math.max(2, Math.ceil(cached / accountsPerPage));
    this.rooms = new PageRooms(accountsPerPage);
    this.firsts = tables.firsts();
    this.pages = new Array<AccountPage | undefined>(this.firsts.length).fill(undefined);
    this.kinds = tables.kinds();
    this.kindsWritten = this.kinds.length;
    for (const [number, kind] of this.kinds.entries()) this.kindNumbers.set(kindText(kind), number);
  }

  get changedPages(): number {
    return this.dirty.length;
  }

  find(id: AccountId): StoredAccount | undefined {
    const { revision, timeMs, shard, salt } = readId(id);
    const page = this.pageOf(revision);
    const index = page ? this.indexIn(page, revision) : -1;
    if (!page || index < 0) return undefined;
    const same =
      page.salt(index) === salt && page.shard(index) === shard && Math.floor(page.openedAt(index) / 1000) === timeMs;
    return same ? this.read(id, page, index) : undefined;
  }

  /** The ledger's own accounts that the file knows. */
  clearingAccounts(): StoredAccount[] {
    return this.tables.clearing().map((revision) => {
      const page = this.pageOf(revision);
      const index = page ? this.indexIn(page, revision) : -1;
      assert(page && index >= 0, `the state file lacks the clearing account of revision ${revision}`);
      const place = { shard: page.shard(index), revision };
      return this.read(makeId("acct", idBody(page.openedAt(index), place, page.salt(index))), page, index);
    });
  }

  /** A new account, or one whose status changed; answers how to take it back. */
  put(account: AccountState): () => void {
    const known = this.find(account.id);
    return known ? this.change(known, account) : this.open(account);
  }

  move(account: StoredAccount, to: Standing): void {
    const page = this.present(account.page);
    this.touch(page);
    page.move(account.index, to);
  }

  /** What takes a movement back that is about to be made. */
  undoOf(account: StoredAccount): () => void {
    const { balances, day, spent, kind } = account;
    return () => {
      const page = this.present(account.page);
      this.touch(page);
      page.move(account.index, { balances, day, spent });
      page.setKind(account.index, this.kindNumber(kind));
    };
  }

  namesOf(revision: Revision): AccountNames {
    const known = this.names.get(revision) ?? this.writingNames.get(revision) ?? this.cachedNames.get(revision);
    if (known) return known;
    const names = this.tables.names(revision);
    this.cachedNames.set(revision, names);
    return names;
  }

  /** Writes everything that has changed, as it is now, whatever changes while it is written; yields between slices. */
  *write(): Generator<void> {
    const writing = this.dirty;
    this.dirty = [];
    this.writingNames = this.names;
    this.names = new Map();
    const clearing = this.clearing;
    this.clearing = [];
    const kinds = this.kinds.length;
    for (const page of writing) {
      if (page.count === 0) {
        // Its only account was taken back: it waits for the next, and there is nothing of it on disk.
        this.dirty.push(page);
        continue;
      }
      page.pending = { count: page.count, grown: page.grown, before: undefined };
      page.dirty = false;
      page.grown = false;
    }
    for (; this.kindsWritten < kinds; this.kindsWritten++) {
      const kind = this.kinds[this.kindsWritten];
      if (kind) this.tables.writeKind(this.kindsWritten, kind);
    }
    for (const revision of clearing) this.tables.writeClearing(revision);
    let written = 0;
    for (const [revision, names] of this.writingNames) {
      this.tables.writeNames(revision, names);
      if (++written % 64 === 0) yield;
    }
    for (const page of writing) {
      this.writePage(page);
      if (++written % 8 === 0) yield;
    }
  }

  /** What `write` wrote is committed. */
  settle(): void {
    this.writingNames = new Map();
  }

  private writePage(page: AccountPage): void {
    const { pending } = page;
    if (!pending) return;
    this.tables.writeStanding(page.number, pending.before ?? page.standingBytes(pending.count));
    if (pending.grown) {
      this.tables.writeProfile(page.number, this.firsts[page.number] ?? 0, page.profileBytes(pending.count));
    }
    page.pending = undefined;
  }

  /** Before a page changes: a flush under way still gets what it was. */
  private touch(page: AccountPage): void {
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
    this.touch(page);
    page.grown = true;
    page.open(account, origin, this.kindNumber(account));
    this.names.set(revision, { owner: account.owner, displayName: account.displayName });
    if (account.type === "clearing") this.clearing.push(revision);
    return () => {
      this.touch(page);
      page.count--;
      this.names.delete(revision);
      if (account.type === "clearing") this.clearing.pop();
      if (page.count === 0) this.firsts[page.number] = Number.POSITIVE_INFINITY;
    };
  }

  private change(known: StoredAccount, account: AccountState): () => void {
    const undo = this.undoOf(known);
    const page = this.present(known.page);
    this.touch(page);
    page.move(known.index, account);
    page.setKind(known.index, this.kindNumber(account));
    return undo;
  }

  /** The last page, or a new one behind it. */
  private pageToGrow(revision: Revision): AccountPage {
    const last = this.firsts.length - 1;
    const page = last >= 0 ? this.loaded(last) : undefined;
    if (page && page.count < this.perPage) {
      if (page.count === 0) this.firsts[last] = revision;
      assert(page.count === 0 || page.revision(page.count - 1) < revision, "accounts are opened in the log's order");
      return page;
    }
    this.firsts.push(revision);
    return this.makePage(last + 1);
  }

  /** Looked for around the share of all revisions that lie before it: where accounts are opened steadily, one step. */
  private pageOf(revision: Revision): AccountPage | undefined {
    const { firsts } = this;
    const last = firsts.length - 1;
    const first = firsts[0] ?? Number.POSITIVE_INFINITY;
    if (revision < first) return undefined;
    const share = (revision - first) / Math.max(1, (firsts[last] ?? 0) - first);
    let low = Math.min(last, Math.floor(share * last));
    let high = low;
    for (let step = 1; (firsts[low] ?? 0) > revision; step *= 2) low = Math.max(0, low - step);
    for (let step = 1; high < last && (firsts[high + 1] ?? 0) <= revision; step *= 2)
      high = Math.min(last, high + step);
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((firsts[middle] ?? 0) <= revision) low = middle;
      else high = middle - 1;
    }
    return this.loaded(low);
  }

  private indexIn(page: AccountPage, revision: Revision): number {
    const { number } = page;
    const next = this.firsts[number + 1] ?? page.revision(page.count - 1) + 1;
    return page.indexOf(revision, this.firsts[number] ?? 0, next);
  }

  private loaded(number: number): AccountPage {
    const known = this.pages[number];
    if (known) {
      known.used = true;
      return known;
    }
    return this.makePage(number, this.tables.page(number));
  }

  private makePage(number: number, stored?: ReturnType<AccountTables["page"]>): AccountPage {
    const slot = this.slotToReuse();
    const dropped = this.resident[slot];
    if (dropped) this.pages[dropped.number] = undefined;
    const page = new AccountPage(number, dropped?.room ?? this.rooms.next(), stored);
    this.resident[slot] = page;
    this.pages[number] = page;
    return page;
  }

  /** A place in the cache for another page: behind the last, or of a page that is on disk as it is and was not used for longest. */
  private slotToReuse(): number {
    const { resident } = this;
    if (resident.length < this.residentMax) return resident.length;
    for (let looked = 0; looked < 2 * resident.length; looked++) {
      this.hand = (this.hand + 1) % resident.length;
      const candidate = resident[this.hand];
      if (!candidate || candidate.dirty || candidate.pending) continue;
      if (!candidate.used) return this.hand;
      candidate.used = false;
    }
    return resident.length;
  }

  /** The page as it is in the cache: one that was dropped from it has lost its memory to another. */
  present(page: AccountPage): AccountPage {
    return this.pages[page.number] === page ? page : this.loaded(page.number);
  }

  private read(id: AccountId, page: AccountPage, index: number): StoredAccount {
    const kind = this.kinds[page.kind(index)];
    assert(kind, `account ${id} is of a kind that is not known`);
    return new StoredAccount(id, kind, page, index, this);
  }

  private kindNumber(kind: AccountKind): number {
    const text = kindText(kind);
    const known = this.kindNumbers.get(text);
    if (known !== undefined) return known;
    const { tenant, type, currency, timeZone, status } = kind;
    this.kindNumbers.set(text, this.kinds.length);
    return this.kinds.push({ tenant, type, currency, timeZone, status }) - 1;
  }
}

function kindText({ tenant, type, currency, timeZone, status }: AccountKind): string {
  return [tenant, type, currency, timeZone, status].join("\n");
}

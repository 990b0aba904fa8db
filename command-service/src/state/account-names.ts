import type { Revision } from "ledger-core";
import type { AccountPage } from "./account-page.ts";
import type { Pages } from "./pages.ts";
import { Recent } from "./recent.ts";
import { stateCorrupt } from "./state-faults.ts";

/** Names, which only answers and a few checks need. */
export type AccountNames = { readonly owner: string; readonly displayName: string | null };

/**
 * The names of accounts, in a page per page of accounts: a count, the end of each entry (32 bits each), then the
 * entries as JSON, so that one can be read without parsing the others.
 */
export class AccountNamePages {
  private readonly pages: Pages;
  private fresh = new Map<Revision, AccountNames>();
  /** Entries being written by a flush; they stay readable. */
  private writing = new Map<Revision, AccountNames>();
  private readonly cached: Recent<Revision, AccountNames>;

  /** @param cached names kept in memory, besides the unwritten ones */
  constructor(pages: Pages, cached: number) {
    this.pages = pages;
    this.cached = new Recent(Math.max(1, Math.ceil(cached / 2)));
  }

  of(page: AccountPage, index: number): AccountNames {
    const revision = page.revision(index);
    const known = this.fresh.get(revision) ?? this.writing.get(revision) ?? this.cached.get(revision);
    if (known) return known;
    const names = parseNames(new NamePage(this.pages.read("names", page.number)).entry(index));
    this.cached.set(revision, names);
    return names;
  }

  put(revision: Revision, names: AccountNames): void {
    this.fresh.set(revision, names);
  }
  drop(revision: Revision): void {
    this.fresh.delete(revision);
  }

  freeze(): void {
    this.writing = this.fresh;
    this.fresh = new Map();
  }
  /** Writes the names of a page's first `count` accounts: those on disk, and those opened since. */
  write(page: AccountPage, count: number): void {
    const { pages, writing } = this;
    const entries = pages.has("names", page.number) ? new NamePage(pages.read("names", page.number)).entries() : [];
    for (let index = entries.length; index < count; index++) {
      const names = writing.get(page.revision(index));
      if (!names) throw stateCorrupt(`the names of account ${index} on page ${page.number} are missing`);
      entries.push(new TextEncoder().encode(JSON.stringify([names.owner, names.displayName])));
    }
    pages.write("names", page.number, formatNames(entries));
  }
  settle(): void {
    this.writing = new Map();
  }
  takeBack(): void {
    this.fresh = new Map([...this.writing, ...this.fresh]);
    this.writing = new Map();
  }
}

/** Its methods throw state_corrupt if the bytes are not a page of names. */
class NamePage {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly count: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.count = bytes.length < 4 ? -1 : this.view.getUint32(0);
    if (this.count < 0 || bytes.length < 4 + 4 * this.count) throw stateCorrupt("a page of names is too short");
  }

  entry(index: number): Uint8Array {
    if (index >= this.count) throw stateCorrupt(`a page of ${this.count} names lacks name ${index}`);
    const from = index === 0 ? 4 + 4 * this.count : this.view.getUint32(4 * index);
    const to = this.view.getUint32(4 + 4 * index);
    if (from > to || to > this.bytes.length) throw stateCorrupt("a page of names contradicts itself");
    return this.bytes.subarray(from, to);
  }

  entries(): Uint8Array[] {
    return Array.from({ length: this.count }, (_, index) => this.entry(index));
  }
}

function formatNames(entries: readonly Uint8Array[]): Uint8Array {
  let end = 4 + 4 * entries.length;
  const bytes = new Uint8Array(entries.reduce((sum, entry) => sum + entry.length, end));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, entries.length);
  for (const [index, entry] of entries.entries()) {
    bytes.set(entry, end);
    end += entry.length;
    view.setUint32(4 + 4 * index, end);
  }
  return bytes;
}

function parseNames(bytes: Uint8Array): AccountNames {
  try {
    const json: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    const [owner, displayName]: unknown[] = Array.isArray(json) ? json : [];
    if (typeof owner === "string" && (typeof displayName === "string" || displayName === null))
      return { owner, displayName };
  } catch (error) {
    throw stateCorrupt("the names of an account cannot be read", error);
  }
  throw stateCorrupt("the names of an account are not texts");
}

import { PageRooms, PROFILE_BYTES, STANDING_BYTES } from "./account-block.ts";
import { AccountPage } from "./account-page.ts";
import type { Pages } from "./pages.ts";
import { stateCorrupt } from "./state-faults.ts";

type PageCacheOptions = {
  readonly disk: Pick<Pages, "read">;
  /** The number of pages in the file. */
  readonly stored: number;
  readonly accountsPerPage: number;
  /** Pages kept in memory, besides those changed since the last flush. */
  readonly most: number;
};

type StoredPage = { readonly standing: Uint8Array; readonly profile: Uint8Array };

/** The pages of accounts by number; a bounded number of them stays in memory. */
export class PageCache {
  private readonly disk: PageCacheOptions["disk"];
  private readonly accountsPerPage: number;
  private readonly most: number;
  private readonly rooms: PageRooms;
  private readonly pages: (AccountPage | undefined)[];
  /** The pages in memory, and where the search for one to drop continues. */
  private readonly resident: AccountPage[] = [];
  private hand = 0;

  constructor({ disk, stored, accountsPerPage, most }: PageCacheOptions) {
    this.disk = disk;
    this.accountsPerPage = accountsPerPage;
    this.most = most;
    this.rooms = new PageRooms(accountsPerPage);
    this.pages = new Array<AccountPage | undefined>(stored).fill(undefined);
  }

  /** An existing page, read from the file if it is not in memory. */
  get(number: number): AccountPage {
    const known = this.pages[number];
    if (!known) return this.make(number, this.read(number));
    known.used = true;
    return known;
  }

  /** The page, if it is in memory. */
  peek(number: number): AccountPage | undefined {
    return this.pages[number];
  }

  /** Adds a page. */
  grow(): AccountPage {
    return this.make(this.pages.length);
  }

  /** The current object of a page: a dropped one has lost its memory to another page. */
  present(page: AccountPage): AccountPage {
    return this.pages[page.number] === page ? page : this.get(page.number);
  }

  /** @throws state_corrupt, state_unavailable */
  private read(number: number): StoredPage {
    const standing = this.disk.read("standings", number);
    const profile = this.disk.read("profiles", number);
    const count = standing.length / STANDING_BYTES;
    if (count < 1 || count > this.accountsPerPage || profile.length !== count * PROFILE_BYTES) {
      throw stateCorrupt(`page ${number} of accounts has ${standing.length} and ${profile.length} bytes`);
    }
    return { standing, profile };
  }

  private make(number: number, stored?: StoredPage): AccountPage {
    const slot = this.slotToReuse();
    const dropped = this.resident[slot];
    if (dropped) this.pages[dropped.number] = undefined;
    const page = new AccountPage(number, dropped?.room ?? this.rooms.next(), stored);
    this.resident[slot] = page;
    this.pages[number] = page;
    return page;
  }

  /** A new slot, or that of an unchanged page that was not used lately (second chance). */
  private slotToReuse(): number {
    const { resident } = this;
    if (resident.length < this.most) return resident.length;
    for (let looked = 0; looked < 2 * resident.length; looked++) {
      this.hand = (this.hand + 1) % resident.length;
      const candidate = resident[this.hand];
      if (!candidate || candidate.dirty || candidate.flushing) continue;
      if (!candidate.used) return this.hand;
      candidate.used = false;
    }
    return resident.length;
  }
}

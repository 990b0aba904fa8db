/** What an account takes of each of the two stretches; `AccountPage` says what stands where. */
export const STANDING_BYTES = 32;
export const PROFILE_BYTES = 48;

/** A block is so many pages, some 5 MB: few enough blocks that their views are always at hand. */
const PAGES_PER_BLOCK = 256;

/**
 * The memory of many pages of accounts. Every object on the way to an account is memory to wait for, when there are a
 * million of them: so pages share a few large stretches instead of having small ones and views of their own.
 */
export class AccountBlock {
  readonly standing: Uint8Array;
  readonly profile: Uint8Array;
  readonly sums: BigInt64Array;
  readonly marks: Int32Array;
  readonly limits: BigInt64Array;
  readonly origins: Float64Array;
  readonly parts: Int32Array;
  readonly forms: Uint16Array;

  /** @param places how many accounts fit */
  constructor(places: number) {
    const standing = new ArrayBuffer(places * STANDING_BYTES);
    const profile = new ArrayBuffer(places * PROFILE_BYTES);
    this.standing = new Uint8Array(standing);
    this.profile = new Uint8Array(profile);
    this.sums = new BigInt64Array(standing);
    this.marks = new Int32Array(standing);
    this.limits = new BigInt64Array(profile);
    this.origins = new Float64Array(profile);
    this.parts = new Int32Array(profile);
    this.forms = new Uint16Array(profile);
  }
}

/** Where a page lies: its accounts stand in a block from the place `from` on. */
export type PageRoom = { readonly block: AccountBlock; readonly from: number };

/**
 * Rooms for pages, from a new block whenever the last one is full. A page that is dropped leaves its room to the next.
 */
export class PageRooms {
  private readonly perPage: number;
  private block: AccountBlock | undefined;
  private taken = 0;

  /** @param perPage accounts a page */
  constructor(perPage: number) {
    this.perPage = perPage;
  }

  next(): PageRoom {
    if (!this.block || this.taken === PAGES_PER_BLOCK) {
      this.block = new AccountBlock(PAGES_PER_BLOCK * this.perPage);
      this.taken = 0;
    }
    return { block: this.block, from: this.taken++ * this.perPage };
  }
}

/** Bytes of an account in each of its two parts; `AccountPage` has the layout. */
export const STANDING_BYTES = 32;
export const PROFILE_BYTES = 48;

/** Pages per block, some 5 MB: few enough blocks that their views stay in the CPU's caches. */
const PAGES_PER_BLOCK = 256;

/**
 * The memory of many pages of accounts. With a million accounts, each object on the way to one is a cache miss, so
 * pages share a few large buffers instead of having their own.
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

  /** @param places the number of accounts */
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

/** The room of a page: its accounts lie in a block from `from` on. */
export type PageRoom = { readonly block: AccountBlock; readonly from: number };

/** Hands out rooms for pages, from a new block when the last one is full. */
export class PageRooms {
  private readonly perPage: number;
  private block: AccountBlock | undefined;
  private taken = 0;

  /** @param perPage accounts per page */
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

import { stateCorrupt } from "./state-faults.ts";

/** The checksum and mark of each page of one kind. Its chunks are written, and checksummed, like pages. */
export class PageDirectory {
  /** One more than the number of the last page. */
  count = 0;
  private readonly perChunk: number;
  private sums = new Uint32Array(64);
  private marks = new Float64Array(64);
  /** Chunks that differ from those on disk. */
  private readonly changed = new Set<number>();
  /** The checksums of the chunks as they are on disk, and as a transaction under way would leave them. */
  private chunkSums: readonly number[] = [];
  private nextChunkSums: readonly number[] | undefined;
  /** The changes of the transaction under way, for a rollback. */
  private journal: { readonly page: number; readonly sum: number; readonly mark: number; readonly count: number }[] =
    [];

  /** @param perChunk pages per chunk */
  constructor(perChunk: number) {
    this.perChunk = perChunk;
  }

  /** The checksum of a page; 0 if there is no such page. */
  sum(page: number): number {
    return this.sums[page] ?? 0;
  }
  /** The number that the owner keeps with each page. */
  mark(page: number): number {
    return this.marks[page] ?? 0;
  }
  /** A view of the marks of all pages, valid until the next `set`. */
  allMarks(): Float64Array {
    return this.marks.subarray(0, this.count);
  }

  set(page: number, sum: number, mark: number): void {
    this.journal.push({ page, sum: this.sum(page), mark: this.mark(page), count: this.count });
    this.reserve(page + 1);
    this.sums[page] = sum;
    this.marks[page] = mark;
    this.count = Math.max(this.count, page + 1);
    this.changed.add(Math.floor(page / this.perChunk));
  }

  /**
   * Writes the changed chunks, and returns the checksums of all. Payments begin far behind revision 0, so whole chunks
   * may have no page: these are not stored, and 0 says so.
   */
  writeChunks(write: (chunk: number, bytes: Uint8Array) => number): readonly number[] {
    const sums = [...this.chunkSums];
    for (const chunk of this.changed) sums[chunk] = write(chunk, this.chunk(chunk));
    const all = Array.from({ length: Math.ceil(this.count / this.perChunk) }, (_, chunk) => sums[chunk] ?? 0);
    this.nextChunkSums = all;
    return all;
  }

  /** The bytes of a chunk: its checksums, then its marks; places beyond the last page are 0. */
  private chunk(number: number): Uint8Array {
    const from = number * this.perChunk;
    this.reserve(from + this.perChunk);
    const bytes = new Uint8Array(this.perChunk * 12);
    const { sums, marks, perChunk } = this;
    bytes.set(new Uint8Array(sums.buffer, from * 4, perChunk * 4));
    bytes.set(new Uint8Array(marks.buffer, from * 8, perChunk * 8), perChunk * 4);
    return bytes;
  }

  /**
   * Takes in the chunks with these checksums.
   * @throws state_corrupt when a chunk has another length than it is written with
   */
  load(count: number, chunkSums: readonly number[], read: (chunk: number, sum: number) => Uint8Array): void {
    const { perChunk } = this;
    for (const [chunk, sum] of chunkSums.entries()) {
      if (sum === 0) continue;
      const bytes = read(chunk, sum);
      if (bytes.length !== perChunk * 12) throw stateCorrupt(`a chunk of the directory has ${bytes.length} bytes`);
      const from = chunk * perChunk;
      this.reserve(from + perChunk);
      this.count = count;
      new Uint8Array(this.sums.buffer).set(bytes.subarray(0, perChunk * 4), from * 4);
      new Uint8Array(this.marks.buffer).set(bytes.subarray(perChunk * 4), from * 8);
    }
    this.chunkSums = chunkSums;
  }

  committed(): void {
    this.journal = [];
    this.changed.clear();
    this.chunkSums = this.nextChunkSums ?? this.chunkSums;
    this.nextChunkSums = undefined;
  }

  rolledBack(): void {
    for (const { page, sum, mark, count } of this.journal.reverse()) {
      this.sums[page] = sum;
      this.marks[page] = mark;
      this.count = count;
    }
    this.nextChunkSums = undefined;
    this.committed();
  }

  private reserve(pages: number): void {
    if (pages <= this.sums.length) return;
    const capacity = Math.max(pages, this.sums.length * 2);
    const { sums, marks } = this;
    this.sums = new Uint32Array(capacity);
    this.marks = new Float64Array(capacity);
    this.sums.set(sums);
    this.marks.set(marks);
  }
}

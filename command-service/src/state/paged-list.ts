import type { PageKind, Pages } from "./pages.ts";
import { stateCorrupt } from "./state-faults.ts";

type PagedListOptions<T> = {
  readonly pages: Pages;
  readonly kind: PageKind;
  readonly perPage: number;
  /** @throws TypeError if the value is invalid */
  readonly parse: (json: unknown) => T;
};

/** A short list that only grows: all of it in memory, and as pages of JSON on disk. */
export class PagedList<T> {
  readonly values: T[];
  private readonly on: PagedListOptions<T>;
  private written: number;
  private writing: number;

  constructor(options: PagedListOptions<T>) {
    this.on = options;
    this.values = readAll(options);
    this.written = this.values.length;
    this.writing = this.written;
  }

  /** Removes the last values, which no flush has begun to write. */
  truncate(length: number): void {
    this.values.length = length;
  }

  write(): void {
    const { pages, kind, perPage } = this.on;
    this.writing = this.values.length;
    if (this.writing === this.written) return;
    for (let page = Math.floor(this.written / perPage); page * perPage < this.writing; page++) {
      const text = JSON.stringify(this.values.slice(page * perPage, (page + 1) * perPage));
      pages.write(kind, page, new TextEncoder().encode(text));
    }
  }

  /** The last `write` was committed. */
  settle(): void {
    this.written = this.writing;
  }
}

function readAll<T>({ pages, kind, parse }: PagedListOptions<T>): T[] {
  const values: T[] = [];
  for (let page = 0; page < pages.count(kind); page++) {
    const text = new TextDecoder().decode(pages.read(kind, page));
    try {
      const json: unknown = JSON.parse(text);
      if (!Array.isArray(json)) throw new TypeError("not a list");
      for (const value of json) values.push(parse(value));
    } catch (error) {
      throw stateCorrupt(`page ${page} of ${kind} cannot be read`, error);
    }
  }
  return values;
}

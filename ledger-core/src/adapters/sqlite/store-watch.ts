import { statSync } from "node:fs";
import { newestStore } from "./store-names.ts";

export type WatchedStore = {
  /** The path of the store's first file. */
  readonly first: string;
  /** The open file. */
  readonly file: string;
  readonly everyMs: number;
};

/**
 * Calls back once when a store's open file, or its WAL, is deleted or replaced: a connection to it goes on with a file
 * that nobody else can find. Returns a function that ends the watch.
 */
export function watchStore({ first, file, everyMs }: WatchedStore, onGone: (reason: string) => void): () => void {
  const known = new Map<string, number>();
  const timer = setInterval(() => {
    const reason = newestStore(first) === file ? change() : "another file has taken its place";
    if (reason === undefined) return;
    clearInterval(timer);
    onGone(reason);
  }, everyMs);
  timer.unref();
  const opened = statSync(file, { throwIfNoEntry: false })?.ino;
  if (opened !== undefined) known.set(file, opened);
  return () => clearInterval(timer);

  function change(): string | undefined {
    for (const path of [file, `${file}-wal`]) {
      const now = statSync(path, { throwIfNoEntry: false })?.ino;
      const before = known.get(path);
      if (before === undefined && now !== undefined) known.set(path, now);
      else if (before !== now) return now === undefined ? "a file of it is gone" : "a file of it is another one";
    }
    return undefined;
  }
}

import { readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/*
 * A store's file that is set aside or deleted is replaced under another name: models.sqlite, models.2.sqlite, and so
 * on. SQLite opens a file's WAL and wal-index by name, some time after the file itself, and within a process it cannot
 * see that another connection has the index open. A connection to the old file would find the new one's under its
 * own name, mix both files' pages, and truncate the index under the running writer: SIGBUS.
 */

/** A file of a store; the main file's `ending` is empty. */
type StorePath = { readonly path: string; readonly number: number; readonly ending: string };

/** The main file in use: the one with the highest number. `first`: the path of the first, whether or not it exists. */
export function newestStore(first: string): string {
  return newestOf(storeNames(first))?.path ?? first;
}

/**
 * The main file to open or create: the newest, or one with an unused name if there is none, or none since `last`, the
 * one opened before.
 */
export function storeToOpen(first: string, last?: string): string {
  const names = storeNames(first);
  const used = last === undefined ? 0 : (parseName(first, last)?.number ?? 0);
  const newest = newestOf(names);
  if (newest && newest.number >= used) return newest.path;
  return used === 0 && names.length === 0 ? first : unusedName(first, names, used);
}

/** A name that no file of the store has or had: the next main file, beside the newest. */
export function nextStore(first: string): string {
  return unusedName(first, storeNames(first), 0);
}

function unusedName(first: string, names: readonly StorePath[], used: number): string {
  const highest = Math.max(used, ...names.map(({ number }) => number));
  return `${first.slice(0, -EXTENSION.length)}.${highest + 1}${EXTENSION}`;
}

/** The main files before this one, oldest first. */
export function olderStores(first: string, file: string): string[] {
  const number = parseName(first, file)?.number ?? 0;
  const mains = storeNames(first).filter((one) => one.ending === "" && one.number < number);
  return mains.sort((one, other) => one.number - other.number).map(({ path }) => path);
}

/**
 * Every file of a store in its folder: main files, their companions and files set aside. Empty if the folder cannot be
 * listed: opening a file in it then reports why.
 */
export function storeNames(first: string): StorePath[] {
  const folder = dirname(first);
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names.flatMap((name) => parseName(first, join(folder, name)) ?? []);
}

const EXTENSION = ".sqlite";

function newestOf(names: readonly StorePath[]): StorePath | undefined {
  return names.filter(({ ending }) => ending === "").sort((a, b) => b.number - a.number)[0];
}

function parseName(first: string, path: string): StorePath | undefined {
  const [name, stem] = [basename(path), basename(first, EXTENSION)];
  if (!name.startsWith(stem)) return undefined;
  const found = /^(?:\.([1-9]\d{0,8}))?\.sqlite(|-wal|-shm|\.damaged)$/.exec(name.slice(stem.length));
  return found ? { path, number: Number(found[1] ?? 1), ending: found[2] ?? "" } : undefined;
}

type WatchedStore = {
  /** The path of the store's first file. */
  readonly first: string;
  /** The open file. */
  readonly file: string;
  readonly everyMs: number;
};

/**
 * Calls back once when a store's open file, or its WAL, is deleted or replaced: a connection to it would keep using a
 * file that nobody else can find. Returns a function that ends the watch.
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

import { statSync } from "node:fs";

/**
 * Calls back once when an opened SQLite file, or its journal, is no longer the one at its path: deleted, or replaced by
 * another. Whoever has it open goes on writing into what nobody else can find. Answers with a function that ends the
 * watch.
 */
export function watchFile(file: string, everyMs: number, onGone: (reason: string) => void): () => void {
  const known = new Map<string, number>();
  const timer = setInterval(() => {
    for (const path of [file, `${file}-wal`]) {
      const now = statSync(path, { throwIfNoEntry: false })?.ino;
      const before = known.get(path);
      if (before === undefined && now !== undefined) known.set(path, now);
      else if (before !== now) {
        clearInterval(timer);
        onGone(now === undefined ? "a file of it is gone" : "a file of it is another one");
        return;
      }
    }
  }, everyMs);
  timer.unref();
  const opened = statSync(file, { throwIfNoEntry: false })?.ino;
  if (opened !== undefined) known.set(file, opened);
  return () => clearInterval(timer);
}

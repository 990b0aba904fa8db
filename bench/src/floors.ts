import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

export type CommitFloor = { readonly p50Ms: number; readonly p99Ms: number };

/** One durable commit of one event-sized row on this disk, with the pragmas of the event log. */
export function commitFloor(folder: string, commits: number): CommitFloor {
  const db = new DatabaseSync(join(folder, "floor.sqlite"));
  db.exec(
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA locking_mode = EXCLUSIVE; CREATE TABLE t (n INTEGER PRIMARY KEY, b BLOB)",
  );
  const insert = db.prepare("INSERT INTO t (b) VALUES (?)");
  const row = new Uint8Array(500);
  const times = new Float64Array(commits);
  for (let i = 0; i < commits; i++) {
    const began = performance.now();
    insert.run(row);
    times[i] = performance.now() - began;
  }
  db.close();
  times.sort();
  return { p50Ms: times[Math.floor(commits / 2)] ?? 0, p99Ms: times[Math.floor(commits * 0.99)] ?? 0 };
}

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { percentile } from "./load/histogram.ts";

let files = 0;

/** One durable commit of one event-sized row on this disk, with the event log's pragmas; p50 in milliseconds. */
export function commitFloor(folder: string, commits: number): number {
  const db = new DatabaseSync(join(folder, `floor-${files++}.sqlite`));
  db.exec(
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA locking_mode = EXCLUSIVE;" +
      "CREATE TABLE t (n INTEGER PRIMARY KEY, b BLOB)",
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
  return percentile(times.sort(), 0.5);
}

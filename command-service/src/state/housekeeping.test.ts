import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import { makeHousekeeping } from "./housekeeping.ts";

/** A file with this many mebibytes in its write-ahead log, whose own connection never checkpoints. */
function fileWith(mebibytes: number): { file: string; db: DatabaseSync } {
  const folder = mkdtempSync(join(tmpdir(), "payledger-housekeeping-"));
  const file = join(folder, "state.sqlite");
  const db = new DatabaseSync(file);
  onTestFinished(() => {
    if (db.isOpen) db.close();
    rmSync(folder, { recursive: true });
  });
  db.exec("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (b BLOB)");
  const insert = db.prepare("INSERT INTO t VALUES (?)");
  for (let i = 0; i < mebibytes; i++) insert.run(new Uint8Array(2 ** 20).fill(i));
  return { file, db };
}

test("another connection checkpoints the log's commits while the writer's connection is open", async () => {
  const { file, db } = fileWith(6);
  expect(statSync(file).size).toBeLessThan(2 ** 20);
  const housekeeping = makeHousekeeping(file);
  housekeeping.committed();
  await housekeeping.close();
  expect(statSync(file).size).toBeGreaterThan(6 * 2 ** 20);
  expect(db.prepare("SELECT count(*) AS n FROM t").get()?.n).toBe(6);
});

test("little is left where it is", async () => {
  const { file } = fileWith(1);
  const housekeeping = makeHousekeeping(file);
  housekeeping.committed();
  await housekeeping.close();
  expect(statSync(file).size).toBeLessThan(2 ** 20);
});

test("once closed, nothing holds the file: a new file in its place keeps its writes", async () => {
  const { file, db } = fileWith(6);
  const housekeeping = makeHousekeeping(file);
  housekeeping.committed();
  await housekeeping.close();
  db.close();
  for (const suffix of ["", "-wal", "-shm"]) rmSync(file + suffix, { force: true });
  const other = new DatabaseSync(file);
  other.exec("PRAGMA journal_mode = WAL; CREATE TABLE u (x); INSERT INTO u VALUES (1)");
  const reader = new DatabaseSync(file);
  expect(reader.prepare("SELECT x FROM u").all()).toEqual([{ x: 1 }]);
  reader.close();
  other.close();
});

test("a file that is gone is no fault of the writer's", async () => {
  const { file } = fileWith(6);
  const housekeeping = makeHousekeeping(file);
  housekeeping.committed();
  housekeeping.committed();
  await housekeeping.close();
  await housekeeping.close();
  expect(() => makeHousekeeping(`${file}.none`).committed()).not.toThrow();
});

test("closing waits beside the event loop, not on it: a checkpoint under way holds up no answer", async () => {
  const { file } = fileWith(24);
  const housekeeping = makeHousekeeping(file);
  housekeeping.committed();
  let turned = false;
  setImmediate(() => (turned = true));
  await housekeeping.close();
  expect(turned).toBe(true);
});

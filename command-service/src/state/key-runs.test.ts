import type { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { expect, test } from "vitest";
import { KeyFilter } from "./key-filter.ts";
import { openKeyRuns } from "./key-runs.ts";
import { KeyTail } from "./key-tail.ts";
import { finish, keyHash, keysDatabase, revisionsOf, tailOf } from "./keys.fixture.ts";

test("every key is found through merges of several levels, and after a reopening", () => {
  const db = keysDatabase();
  const runs = openKeyRuns(db);
  const learnt = new KeyFilter(2 ** 20);
  const perRun = 500;
  const total = 110 * perRun;
  for (let first = 0; first < total; first += perRun) finish(runs.add(tailOf(first, perRun), learnt));
  const again = openKeyRuns(db);
  for (const opened of [runs, again]) {
    expect(opened.count()).toBe(total);
    for (let n = 0; n < total; n += 37) expect(revisionsOf(opened, n)).toEqual([n]);
    expect(revisionsOf(opened, total + 5)).toEqual([]);
  }
  const filled = new KeyFilter(2 ** 20);
  again.fill(filled);
  for (let n = 0; n < total; n += 37) {
    const { high, low } = keyHash(n);
    expect([learnt.mayContain(high, low), filled.mayContain(high, low)]).toEqual([true, true]);
    expect(revisionsOf(again, n)).toEqual([n]);
  }
  const levels = db.prepare("SELECT max(level) AS top, count(*) AS runs FROM key_runs").get();
  expect(levels).toEqual({ top: 2, runs: expect.any(Number) });
  expect(Number(levels?.runs)).toBeLessThan(25);
});

test("runs of any size and keys of any hash: found as in a map, whenever the file is opened again", () => {
  // Equal halves make keys of one `high` go over the ends of pages, and keys of one hash stand in many runs.
  const half = fc.constantFrom(0, 1, 2 ** 20, 2 ** 31, 2 ** 32 - 1);
  const flush = fc.record({
    keys: fc.array(fc.tuple(half, half), { maxLength: 12 }),
    copies: fc.constantFrom(1, 1, 1, 300),
    reopened: fc.constantFrom(false, false, true),
  });
  fc.assert(
    fc.property(fc.array(flush, { maxLength: 80 }), (flushes) => {
      const db = keysDatabase();
      let runs = openKeyRuns(db);
      let filter = new KeyFilter(1024);
      const model = new Map<string, number[]>();
      let revision = 2 ** 32 - 500;
      for (const { keys, copies, reopened } of flushes) {
        const tail = new KeyTail();
        for (const [high, low] of keys.flatMap((key) => Array.from({ length: copies }, () => key))) {
          tail.add(high, low, ++revision);
          const under = model.get(`${high}/${low}`) ?? [];
          model.set(`${high}/${low}`, under);
          under.push(revision);
        }
        finish(runs.add(tail, filter));
        if (!reopened) continue;
        runs = openKeyRuns(db);
        filter = new KeyFilter(1024);
        runs.fill(filter);
      }
      expect(runs.count()).toBe([...model.values()].reduce((sum, under) => sum + under.length, 0));
      for (const [key, revisions] of model) {
        const [high, low] = key.split("/").map(Number);
        const found: number[] = [];
        runs.find(high ?? 0, low ?? 0, found);
        expect(found.sort((a, b) => a - b)).toEqual(revisions);
        expect(filter.mayContain(high ?? 0, low ?? 0)).toBe(true);
      }
    }),
    { numRuns: 40 },
  );
});

test("what a crash leaves of a flush and of a merge is written over", () => {
  const db = keysDatabase();
  const perRun = 3000;
  const pages = () => Number(db.prepare("SELECT count(*) AS n FROM key_pages").get()?.n);
  const filter = new KeyFilter(1024);
  let runs = openKeyRuns(db);
  for (let flushed = 0; flushed < 60; flushed++) {
    db.exec("BEGIN");
    const adding = runs.add(tailOf(flushed * perRun, perRun), filter);
    for (let slice = 0; slice < flushed % 7; slice++) adding.next();
    db.exec("ROLLBACK");
    runs = openKeyRuns(db);
    db.exec("BEGIN");
    finish(runs.add(tailOf(flushed * perRun, perRun), filter));
    db.exec("COMMIT");
    for (let n = flushed; n < (flushed + 1) * perRun; n += 1997) expect(revisionsOf(runs, n)).toEqual([n]);
  }
  const least = (60 * perRun) / 512;
  expect(pages()).toBeLessThan(least * 2.5);
});

test("a run is written in slices, and no flush waits for a great merge", () => {
  const runs = openKeyRuns(keysDatabase());
  const filter = new KeyFilter(1024);
  const slices: number[] = [];
  for (let flushed = 0; flushed < 24; flushed++)
    slices.push(finish(runs.add(tailOf(flushed * 20_000, 20_000), filter)));
  expect(Math.min(...slices)).toBeGreaterThan(15);
  expect(Math.max(...slices)).toBeLessThan(250);
  expect(finish(runs.add(new KeyTail(), filter))).toBe(0);
});

test("the pages that the next flush reads or writes over are told before, nearly all of them, and few others", () => {
  const used = new Set<number>();
  const runs = openKeyRuns(watched(keysDatabase(), (page) => used.add(page)));
  const filter = new KeyFilter(1024);
  let [needed, told, both] = [0, 0, 0];
  for (let flushed = 0; flushed < 300; flushed++) {
    const there = new Set(used);
    const soon = new Set(runs.soon());
    used.clear();
    finish(runs.add(tailOf(flushed * 3000, 3000), filter));
    const old = [...used].filter((page) => there.has(page));
    for (const page of there) used.add(page);
    needed += old.length;
    told += soon.size;
    both += old.filter((page) => soon.has(page)).length;
  }
  expect(needed).toBeGreaterThan(5000);
  expect(both / needed).toBeGreaterThan(0.9);
  expect(told).toBeLessThan(1.5 * needed);
});

test("runs are merged also by a writer that never lives long", () => {
  const db = keysDatabase();
  const filter = new KeyFilter(1024);
  for (let n = 0; n < 400; n++) finish(openKeyRuns(db).add(tailOf(n, 1), filter));
  expect(openKeyRuns(db).count()).toBe(400);
  expect(Number(db.prepare("SELECT count(*) AS n FROM key_runs").get()?.n)).toBeLessThan(60);
});

/** A database that tells which pages of keys are read and written. */
function watched(db: DatabaseSync, onPage: (page: number) => void): DatabaseSync {
  const prepare = (sql: string) => {
    const statement = db.prepare(sql);
    if (!sql.includes("key_pages") || sql.includes("max(page)")) return statement;
    return {
      get(page: number) {
        onPage(page);
        return statement.get(page);
      },
      run(page: number, data: Uint8Array) {
        onPage(page);
        return statement.run(page, data);
      },
    };
  };
  return Object.assign(Object.create(db), { prepare });
}

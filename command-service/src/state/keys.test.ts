import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { hash64 } from "ledger-core";
import { describe, expect, test } from "vitest";
import { KeyFilter } from "./key-filter.ts";
import { keyRunsSchema, openKeyRuns } from "./key-runs.ts";
import { type KeyEntry, KeyTail } from "./key-tail.ts";

function entry(n: number): KeyEntry {
  return { ...hash64(`key-${n}`), revision: n };
}

function database(): DatabaseSync {
  const db = new DatabaseSync(":memory:");
  db.exec(keyRunsSchema);
  return db;
}

function finish(work: Generator<void>): number {
  let slices = 0;
  for (const _ of work) slices++;
  return slices;
}

describe("the tail of keys", () => {
  test("finds every key that was added, growing or not, and keys of one hash side by side", () => {
    const keys = fc.uniqueArray(fc.integer({ min: 0, max: 100_000 }), { maxLength: 3000 });
    fc.assert(
      fc.property(keys, (numbers) => {
        const tail = new KeyTail(16);
        for (const n of numbers) tail.add(entry(n));
        for (const n of numbers) {
          const found: number[] = [];
          tail.find(entry(n), found);
          expect(found).toContain(n);
        }
        expect([...tail.entries()].map((e) => e.revision).sort((a, b) => a - b)).toEqual(
          [...numbers].sort((a, b) => a - b),
        );
      }),
      { numRuns: 30 },
    );
    const twins = new KeyTail();
    twins.add({ ...entry(1), revision: 10 });
    twins.add({ ...entry(1), revision: 11 });
    const found: number[] = [];
    twins.find(entry(1), found);
    expect(found.sort()).toEqual([10, 11]);
  });

  test("is empty after it was cleared", () => {
    const tail = new KeyTail();
    tail.add(entry(1));
    tail.clear();
    const found: number[] = [];
    tail.find(entry(1), found);
    expect([tail.size, found]).toEqual([0, []]);
  });
});

describe("the filter", () => {
  test("never denies a key that was added, and seldom claims one that was not", () => {
    const filter = new KeyFilter(2 ** 20);
    for (let n = 0; n < 100_000; n++) filter.add(entry(n));
    let denied = 0;
    let claimed = 0;
    for (let n = 0; n < 100_000; n++) {
      if (!filter.mayContain(entry(n))) denied++;
      if (filter.mayContain(entry(1_000_000 + n))) claimed++;
    }
    expect(denied).toBe(0);
    expect(claimed).toBeLessThan(1000);
  });
});

describe("the runs on disk", () => {
  test("keep every key through merges of several levels, and a reopening", () => {
    const db = database();
    const runs = openKeyRuns(db);
    const perRun = 700;
    const total = 70 * perRun;
    for (let first = 0; first < total; first += perRun) {
      finish(
        runs.add(
          perRun,
          Array.from({ length: perRun }, (_, i) => entry(first + i)),
        ),
      );
    }
    const levels = db.prepare("SELECT level, count(*) AS n FROM key_runs GROUP BY level ORDER BY level").all();
    expect(levels.map((row) => [row.level, row.n])).toEqual([
      [0, 6],
      [2, 1],
    ]);
    const again = openKeyRuns(db);
    expect(again.count()).toBe(total);
    for (let n = 0; n < total; n += 7) {
      const found: number[] = [];
      again.find(entry(n), found);
      expect(found).toEqual([n]);
    }
    const none: number[] = [];
    again.find(entry(total + 5), none);
    expect(none).toEqual([]);
    const filter = new KeyFilter(2 ** 20);
    again.fill(filter);
    for (let n = 0; n < total; n += 11) expect(filter.mayContain(entry(n))).toBe(true);
  });

  test("are written in slices", () => {
    const runs = openKeyRuns(database());
    expect(
      finish(
        runs.add(
          65_536,
          Array.from({ length: 65_536 }, (_, n) => entry(n)),
        ),
      ),
    ).toBeGreaterThan(20);
    expect(finish(runs.add(0, []))).toBe(0);
  });
});

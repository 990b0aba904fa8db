import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { KeyTail } from "./key-tail.ts";

/** Few hashes, so that many keys share one, or a slot. */
const half = fc.constantFrom(0, 1, 7, 1023, 1024, 2 ** 31, 2 ** 32 - 1);
const step = fc.oneof(
  { weight: 30, arbitrary: fc.record({ kind: fc.constant("add" as const), high: half, low: half }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("mark" as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("rollback" as const), to: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("clear" as const) }) },
);
type Entry = { readonly high: number; readonly low: number; readonly revision: number };

function revisionsUnder(tail: KeyTail, high: number, low: number): number[] {
  const found: number[] = [];
  tail.find(high, low, found);
  return found.sort((a, b) => a - b);
}

describe("the tail of keys", () => {
  test("holds the keys that were added and not rolled back, growing or not, including keys with the same hash", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const tail = new KeyTail(2);
        let model: Entry[] = [];
        let marks: number[] = [];
        for (const [at, taken] of steps.entries()) {
          if (taken.kind === "add") {
            const revision = 2 ** 39 + at;
            tail.add(taken.high, taken.low, revision);
            model.push({ high: taken.high, low: taken.low, revision });
          } else if (taken.kind === "mark") {
            marks.push(tail.mark());
          } else if (taken.kind === "rollback") {
            const mark = marks[taken.to % (marks.length + 1)] ?? model.length;
            tail.rollbackTo(mark);
            model = model.slice(0, mark);
            marks = marks.filter((other) => other <= mark);
          } else {
            tail.clear();
            model = [];
            marks = [];
          }
        }
        const columns = model.map((_, i) => ({
          high: tail.high[i],
          low: tail.low[i],
          revision: tail.revision[i],
        }));
        expect([tail.size, columns]).toEqual([model.length, model]);
        for (const { high, low } of model) {
          const under = model.filter((entry) => entry.high === high && entry.low === low);
          expect(revisionsUnder(tail, high, low)).toEqual(under.map((entry) => entry.revision));
        }
        expect(revisionsUnder(tail, 5, 7)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

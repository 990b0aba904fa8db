import { NO_REVISION } from "ledger-core";
import { numberOf } from "ledger-core/sql";
import { describe, expect, test } from "vitest";
import { makeRowMemory } from "./seen-rows.ts";

const account = numberOf({ shard: 3, revision: 8 });

/** A memory after a transaction up to revision 10, in the build `a`, that met the account. */
function afterOne() {
  const memory = makeRowMemory(16);
  const first = memory.begin(3);
  first.seen("a", NO_REVISION).add(account);
  first.end(10);
  return memory;
}

describe("a memory of rows", () => {
  test("knows in a later transaction what earlier ones met", () => {
    const memory = afterOne();
    const second = memory.begin(3);
    expect(second.seen("a", 10).has(account)).toBe(true);
    second.end(20);
    expect(memory.begin(3).seen("a", 20).has(account)).toBe(true);
  });

  test.each([
    ["at another checkpoint, of a store that was set back", "a", 9],
    ["at a later checkpoint, where another process brought the store", "a", 11],
    ["at the beginning", "a", NO_REVISION],
    ["in another build", "b", 10],
  ])("knows nothing %s", (_, suffix, after) => {
    const memory = afterOne();
    const turn = memory.begin(3);
    expect(turn.seen(suffix, after).has(account)).toBe(false);
    turn.end(30);
    expect(memory.begin(3).seen(suffix, 30).has(account)).toBe(false);
  });

  test("knows nothing after a transaction that failed, even one that never read its checkpoint", () => {
    const memory = afterOne();
    memory.begin(3);
    expect(memory.begin(3).seen("a", 10).has(account)).toBe(false);
  });

  test("forgets what overlapping transactions added", () => {
    const memory = afterOne();
    const [one, other] = [memory.begin(3), memory.begin(3)];
    one.seen("a", 10);
    other.seen("a", 20).add(account);
    one.end(20);
    expect(memory.begin(3).seen("a", 20).has(account)).toBe(false);
  });

  test("remembers no row of another shard, which does not follow from this checkpoint", () => {
    const memory = makeRowMemory(16);
    const rows = memory.begin(4).seen("a", NO_REVISION);
    rows.add(account);
    expect(rows.has(account)).toBe(false);
    expect(rows.has(numberOf({ shard: 4, revision: 8 }))).toBe(false);
  });

  test("a collision evicts, and revision 0 is no empty slot", () => {
    const rows = makeRowMemory(16).begin(0).seen("a", NO_REVISION);
    expect(rows.has(0)).toBe(false);
    rows.add(0);
    expect(rows.has(0)).toBe(true);
    rows.add(16);
    expect([rows.has(16), rows.has(0)]).toEqual([true, false]);
  });
});

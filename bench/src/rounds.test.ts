import { expect, test } from "vitest";
import { inRounds, medianOf, shuffled } from "./rounds.ts";

/** Numbers that look random and are the same in every run. */
function chance(): () => number {
  let state = 12345;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

test("every work runs once per round, one after another, in changing order", async () => {
  const order: string[] = [];
  let running = 0;
  const work = (name: string) => async () => {
    expect(++running).toBe(1);
    await Promise.resolve();
    running--;
    return order.push(name);
  };
  const names = ["a", "b", "c", "d"];
  const results = await inRounds(6, new Map(names.map((name) => [name, work(name)])), chance());
  const rounds = Array.from({ length: 6 }, (_, round) => order.slice(round * 4, round * 4 + 4));
  for (const round of rounds) expect([...round].sort()).toEqual(names);
  expect(new Set(rounds.map((round) => round.join(""))).size).toBeGreaterThan(1);
  for (const name of names) expect(results(name)).toHaveLength(6);
  expect(results("a").map((place) => order[place - 1])).toEqual(Array(6).fill("a"));
});

test("a shuffle keeps every item, also when chance draws equal numbers", () => {
  expect(shuffled([1, 2, 3, 4], chance()).sort()).toEqual([1, 2, 3, 4]);
  expect(shuffled([1, 2, 3], () => 0.5)).toEqual([1, 2, 3]);
});

test("the median is the middle one, whatever the order", () => {
  expect(medianOf([{ ms: 9 }, { ms: 1 }, { ms: 5 }], ({ ms }) => ms)).toBe(5);
  expect(medianOf([], () => 1)).toBeNaN();
});

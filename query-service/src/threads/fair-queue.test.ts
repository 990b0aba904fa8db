import { expect, test } from "vitest";
import { createFairQueue } from "./fair-queue.ts";

function taken<Item>(queue: { next(): Item | undefined }): Item[] {
  const items: Item[] = [];
  for (let item = queue.next(); item !== undefined; item = queue.next()) items.push(item);
  return items;
}

test("callers take turns, each with its items in order, however many one of them has", () => {
  const queue = createFairQueue<string>();
  for (const n of [1, 2, 3, 4]) queue.add("a", `a${n}`);
  queue.add("b", "b1");
  queue.add("c", "c1");
  queue.add("b", "b2");
  expect(queue.size).toBe(7);
  expect(queue.of("a")).toBe(4);
  expect(taken(queue)).toEqual(["a1", "b1", "c1", "a2", "b2", "a3", "a4"]);
  expect(queue.size).toBe(0);
});

test("a caller that returns waits for the others' turns", () => {
  const queue = createFairQueue<string>();
  queue.add("a", "a1");
  queue.add("b", "b1");
  expect(queue.next()).toBe("a1");
  queue.add("a", "a2");
  expect(taken(queue)).toEqual(["b1", "a2"]);
});

test("the newest of the caller with the most is dropped", () => {
  const queue = createFairQueue<string>();
  for (const item of ["a1", "a2", "a3"]) queue.add("a", item);
  queue.add("b", "b1");
  expect(queue.dropLongest()).toBe("a3");
  expect(queue.dropLongest()).toBe("a2");
  expect(queue.dropLongest()).toBe("b1");
  expect(taken(queue)).toEqual(["a1"]);
  expect(queue.dropLongest()).toBeUndefined();
});

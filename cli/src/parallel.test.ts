import { expect, test } from "vitest";
import { eachOf } from "./parallel.ts";

test("every item is processed once, at most `lanes` at a time", async () => {
  const done: number[] = [];
  let now = 0;
  let most = 0;
  await eachOf([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
    most = Math.max(most, ++now);
    await Promise.resolve();
    now--;
    done.push(item);
  });
  expect(done.sort()).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(most).toBe(3);
});

test("no item is started after a failure", async () => {
  const begun: number[] = [];
  const work = eachOf([1, 2, 3, 4, 5, 6], 2, async (item) => {
    begun.push(item);
    await Promise.resolve();
    if (item === 2) throw new Error("two");
  });
  await expect(work).rejects.toThrow("two");
  await Promise.resolve();
  expect(begun.length).toBeLessThan(5);
});

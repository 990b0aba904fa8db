import { expect, test } from "vitest";
import { simulate } from "./run.ts";

test("the same seed gives the same run, to the byte", async () => {
  const first = await simulate({ seed: 1, steps: 20_000 });
  const again = await simulate({ seed: 1, steps: 20_000 });
  expect(first.failure).toBeUndefined();
  expect(again).toEqual(first);
  const other = await simulate({ seed: 2, steps: 20_000 });
  expect(other.digest).not.toBe(first.digest);
});

import { expect, test } from "vitest";
import { makeMachineClock } from "./machine-clock.ts";

const SECOND = 1_000_000;

test("a clock reads the time it was set to, and drifts", () => {
  let now = 1_000 * SECOND;
  const clock = makeMachineClock(() => now);
  expect(clock.now()).toBe(now);
  clock.offsetUs = -7 * SECOND;
  now += 10 * SECOND;
  expect(clock.now()).toBe(now - 7 * SECOND);
  clock.driftPpm = 100_000;
  now += 10 * SECOND;
  expect(clock.now()).toBe(now - 6 * SECOND);
});

test("`said` knows past readings, and for a second those of the time before it was set", () => {
  let now = 1_000 * SECOND;
  const clock = makeMachineClock(() => now);
  now += 10 * SECOND;
  expect(clock.said(1_005 * SECOND)).toBe(true);
  expect(clock.said(1_011 * SECOND)).toBe(false);
  clock.offsetUs = -3_600 * SECOND;
  now += 60 * SECOND;
  expect(clock.said(now - 3_600 * SECOND)).toBe(true);
  expect(clock.said(1_010.9 * SECOND)).toBe(true);
  expect(clock.said(now)).toBe(false);
});

import { expect, test } from "vitest";
import { machineTime, parseMachineTime, shareStolen } from "./stolen-time.ts";

const stat = (steal: number, idle: number) =>
  `cpu  10 20 30 ${idle} 50 0 60 ${steal} 7 0\ncpu0 1 1 1 1 1 1 1 1 1 1\nintr 1 2 3\n`;

test("what was stolen is a share of all time, guests' not counted twice", () => {
  const [before, after] = [parseMachineTime(stat(5, 100)), parseMachineTime(stat(25, 260))];
  expect(before).toEqual({ total: 275, stolen: 5 });
  expect(shareStolen(before, after)).toBeCloseTo(20 / 180, 10);
});

test.each(["", "cpu  1 2 3\n", "cpu0 1 2 3 4 5 6 7 8 9 10\n"])("nothing is made up from %j", (text) => {
  expect(parseMachineTime(text)).toBeNull();
  expect(shareStolen(null, parseMachineTime(stat(5, 100)))).toBe(0);
});

test("no time passed: nothing was stolen", () => {
  const now = parseMachineTime(stat(5, 100));
  expect(shareStolen(now, now)).toBe(0);
});

test.runIf(process.platform === "linux")("this machine tells", () => {
  const now = machineTime();
  expect(now?.total).toBeGreaterThan(0);
  expect(now?.stolen).toBeLessThan(now?.total ?? 0);
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { makeWallClock, systemRuntime } from "./runtime.ts";

const START_MS = 1_795_336_200_000;
const DAY_MS = 86_400_000;

/** A wall clock and a monotonic clock that advance together; the wall clock may be set. */
function clocks() {
  let elapsed = 5000.25;
  let aheadMs = START_MS - elapsed;
  const now = makeWallClock({ wallMs: () => Math.floor(elapsed + aheadMs), elapsedMs: () => elapsed });
  return {
    now,
    wallMs: () => Math.floor(elapsed + aheadMs),
    pass: (ms: number) => {
      elapsed += ms;
    },
    set: (byMs: number) => {
      aheadMs += byMs;
    },
  };
}

test("microseconds count the time since the wall clock's last millisecond", () => {
  const { now, pass } = clocks();
  expect(now()).toBe(START_MS * 1000);
  pass(0.25);
  expect(now()).toBe(START_MS * 1000 + 250);
  pass(0.5);
  expect(now()).toBe(START_MS * 1000 + 750);
  pass(0.5);
  expect(now()).toBe((START_MS + 1) * 1000 + 250);
});

test.each([-DAY_MS, -3_600_000, -2, 2, 3_600_000, 40 * DAY_MS])(
  "a wall clock set by %d ms is followed at once",
  (by) => {
    const { now, wallMs, pass, set } = clocks();
    now();
    pass(10_000.5);
    now();
    set(by);
    expect(Math.floor(now() / 1000)).toBe(wallMs());
    pass(0.3);
    expect(Math.floor(now() / 1000)).toBe(wallMs());
  },
);

test("always agrees with the wall clock to the millisecond, and goes back only if that is set back", () => {
  const step = fc.record({
    pass: fc.double({ min: 0, max: 3, noNaN: true }),
    set: fc.constantFrom(0, 0, 0, 0, -5, 7, 1e6),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const { now, wallMs, pass, set } = clocks();
      let last = now();
      for (const { pass: ms, set: by } of steps) {
        pass(ms);
        set(by);
        const at = now();
        expect(Math.floor(at / 1000)).toBe(wallMs());
        if (by >= 0) expect(at).toBeGreaterThanOrEqual(last);
        last = at;
      }
    }),
  );
});

test("the process's clock is the wall clock", () => {
  const before = Date.now();
  const now = systemRuntime.now();
  const after = Date.now();
  expect(now).toBeGreaterThanOrEqual(before * 1000);
  expect(now).toBeLessThan((after + 1) * 1000);
});

import { expect, test } from "vitest";
import { evenSteps, stepsBesideLive } from "./steps.ts";

/** A clock that only work and pauses move on. */
function makeClock() {
  let ms = 0;
  const pauses: number[] = [];
  return {
    pauses,
    work(forMs: number): void {
      ms += forMs;
    },
    elapsedMs: () => ms,
    delay: async (forMs: number) => {
      pauses.push(forMs);
      ms += forMs;
    },
  };
}

/** Steps on a store that takes `fixedMs` per transaction and `eventMs` per event, until their size has settled. */
async function settledSize(fixedMs: number, eventMs: number): Promise<number> {
  const clock = makeClock();
  const steps = stepsBesideLive({ fillMax: 1000, stepMs: 5 }, clock);
  for (let step = 0; step < 20; step++) {
    const events = steps.begin();
    clock.work(fixedMs + events * eventMs);
    await steps.end(events);
  }
  return steps.begin();
}

test("steps take as long as they should, within bounds", async () => {
  expect(await settledSize(0, 1 / 64)).toBe(320);
  expect(await settledSize(0, 1 / 1024)).toBe(1000);
  // However slow a transaction is, it is not cut into ever smaller ones.
  expect(await settledSize(100, 1 / 64)).toBe(64);
});

test("a pause is as long as its step while there is live work, and a turn otherwise", async () => {
  const clock = makeClock();
  const steps = stepsBesideLive({}, clock);
  const step = async (ms: number) => {
    steps.begin();
    clock.work(ms);
    await steps.end(1);
  };
  await step(5);
  steps.noteLive();
  await step(5);
  await step(500);
  clock.work(1000);
  await step(5);
  // A step that compares rows begins where the pause before it ended.
  steps.noteLive();
  clock.work(7);
  await steps.end();
  expect(clock.pauses).toEqual([0, 5, 50, 0, 7]);
});

test("even steps do not pause between reads of rows", async () => {
  await evenSteps(1000, 3_600_000).end();
});

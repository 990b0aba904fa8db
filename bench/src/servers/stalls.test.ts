import { setImmediate } from "node:timers/promises";
import type { EventLog } from "ledger-core/event-log";
import { expect, test } from "vitest";
import { watchStalls } from "./stalls.ts";

const unused = () => Promise.reject(new Error("not asked in this test"));

/** A log on which only `append` works, as the test defines it. */
function logThat(append: EventLog["append"]): EventLog {
  return { append, head: unused, close: unused, read: unused as never, subscribe: unused as never };
}

/** Blocks this thread, then lets due work run. */
async function holdUp(ms: number): Promise<void> {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  for (let turn = 0; turn < 3; turn++) await setImmediate();
}

test("a blocked thread is reported once, and a slow append too", async () => {
  const slow = Promise.withResolvers<number>();
  const stalls = watchStalls(logThat(() => slow.promise));
  stalls.take();
  const appended = stalls.log.append(0, -1, []);
  // The first `take` starts the watch.
  await holdUp(60);
  await holdUp(60);
  slow.resolve(7);
  expect(await appended).toBe(7);
  const { loopMs, appendMs } = stalls.take();
  expect(loopMs).toBeGreaterThan(50);
  expect(appendMs).toBeGreaterThan(50);
  expect(stalls.take().appendMs).toBe(0);
});

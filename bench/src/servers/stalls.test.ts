import { setImmediate } from "node:timers/promises";
import type { EventLog } from "ledger-core/event-log";
import { expect, test } from "vitest";
import { watchStalls } from "./stalls.ts";

const unused = () => Promise.reject(new Error("not asked in this test"));

/** A log of which only the append works, as the test says. */
function logThat(append: EventLog["append"]): EventLog {
  return { append, head: unused, close: unused, read: unused as never, subscribe: unused as never };
}

/** Holds up this thread, then lets what is due run. */
async function holdUp(ms: number): Promise<void> {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  for (let turn = 0; turn < 3; turn++) await setImmediate();
}

test("a thread that is held up is told, once, and an append that takes long", async () => {
  const slow = Promise.withResolvers<number>();
  const stalls = watchStalls(logThat(() => slow.promise));
  stalls.take();
  const appended = stalls.log.append(0, -1, []);
  // The first tells the watch where it stands.
  await holdUp(60);
  await holdUp(60);
  slow.resolve(7);
  expect(await appended).toBe(7);
  const { loopMs, appendMs } = stalls.take();
  expect(loopMs).toBeGreaterThan(50);
  expect(appendMs).toBeGreaterThan(50);
  expect(stalls.take().appendMs).toBe(0);
});

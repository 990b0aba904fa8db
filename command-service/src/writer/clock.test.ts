import type { LedgerError } from "ledger-core";
import { systemRuntime } from "ledger-core/process";
import { describe, expect, test } from "vitest";
import { allEvents, eventOf, payment, writerFixture } from "./writer.fixture.ts";

const DAY_MS = 86_400_000;
const START_US = 1_795_336_200_000_000;
type Standing = { readonly ready: boolean; readonly detail: string };

/** A wall clock and a monotonic clock: time passes on both, and the wall clock can be set. */
function clocks() {
  let passedMs = 0;
  let setMs = 0;
  const runtime = {
    ...systemRuntime,
    now: () => START_US + (passedMs + setMs) * 1000,
    elapsedMs: () => passedMs,
    delay: () => new Promise<void>((resolve) => setImmediate(resolve)),
  };
  return {
    runtime,
    pass: (ms: number) => {
      passedMs += ms;
    },
    set: (byMs: number) => {
      setMs += byMs;
    },
  };
}

/** A ledger with two accounts whose writer is serving, and what settles when its standing next is as asked. */
async function served(options: { acceptClock?: boolean; expiryEveryMs?: number } = {}) {
  const { runtime, pass, set } = clocks();
  const waiting = new Set<(standing: Standing) => void>();
  const causes: (LedgerError | undefined)[] = [];
  const onReadiness = (standing: Standing, cause?: LedgerError) => {
    causes.push(cause);
    for (const told of waiting) told(standing);
  };
  const ledger = await writerFixture({ runtime, onReadiness, ...options });
  const writer = await ledger.start();
  const pair = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")] as const;
  const standing = (ready: boolean) =>
    new Promise<Standing>((resolve) => {
      const told = (now: Standing) => {
        if (now.ready !== ready) return;
        waiting.delete(told);
        resolve(now);
      };
      waiting.add(told);
    });
  return { ledger, writer, pair, runtime, pass, set, standing, causes };
}

describe("a wall clock that is set while the writer serves", () => {
  test.each([-40 * DAY_MS, -3_600_000, 3_600_000, 29 * DAY_MS])(
    "by %d ms is followed by the next command; log time does not go back",
    async (by) => {
      const { ledger, writer, pair, runtime, pass, set } = await served();
      const before = eventOf(await ledger.send(writer, payment(...pair, 1n))).at;
      pass(1000);
      set(by);
      const after = eventOf(await ledger.send(writer, payment(...pair, 1n))).at;
      expect(after).toBe(by < 0 ? before : runtime.now());
      pass(by < 0 ? 2000 - by : 0);
      expect(eventOf(await ledger.send(writer, payment(...pair, 1n))).at).toBe(runtime.now());
    },
  );

  test("more than 30 days ahead is not taken over: nothing is decided until it is right again", async () => {
    const { ledger, writer, pair, runtime, pass, set, standing } = await served();
    const head = await ledger.log.head(0);
    pass(60_000);
    set(30 * DAY_MS + 1);
    const down = standing(false);
    await expect(ledger.send(writer, payment(...pair, 1n), "kept")).rejects.toMatchObject({ code: "not_ready" });
    const { detail } = await down;
    expect(detail).toContain("the clock says 2026-12-22T08:31:00.001000Z");
    expect(detail).toContain("by the time that has passed it is 2026-11-22T08:31:00.000000Z");
    expect(writer.readiness()).toMatchObject({ ready: false });
    await expect(ledger.send(writer, payment(...pair, 1n))).rejects.toMatchObject({ code: "not_ready" });
    expect(await ledger.log.head(0)).toBe(head);

    const up = standing(true);
    set(-30 * DAY_MS - 1);
    await up;
    expect(eventOf(await ledger.send(writer, payment(...pair, 1n), "kept")).at).toBe(runtime.now());
  });

  test("is noticed even by an idle writer", async () => {
    const { set, standing, causes } = await served({ expiryEveryMs: 5 });
    const down = standing(false);
    set(3650 * DAY_MS);
    expect((await down).detail).toContain("2036-11-19");
    expect(causes.at(-1)).toMatchObject({ code: "clock_unconfirmed" });
  });

  test("is not wild when it is idle for long: the time has passed on both clocks", async () => {
    const { ledger, writer, pair, runtime, pass } = await served();
    pass(400 * DAY_MS);
    expect(eventOf(await ledger.send(writer, payment(...pair, 1n))).at).toBe(runtime.now());
  });
});

describe("a writer that is started", () => {
  /** The ledger was stopped, and restarts with its clock this many days later. */
  async function restarted(days: number, acceptClock = false) {
    const before = await served();
    await before.writer.stop();
    before.set(days * DAY_MS);
    const told = before.standing(false);
    const writer = await before.ledger.start({ acceptClock });
    return { ...before, writer, told };
  }

  test("30 days after the last event serves", async () => {
    const { ledger, writer, pair, runtime } = await restarted(30);
    expect(eventOf(await ledger.send(writer, payment(...pair, 1n))).at).toBe(runtime.now());
  });

  test("more than 30 days after it writes nothing and reports both times; serves once the clock is right", async () => {
    const { ledger, writer, pair, set, standing, told } = await restarted(61);
    const { detail } = await told;
    expect(detail).toContain(
      "the clock says 2027-01-22T08:30:00.000000Z, and the last event is of 2026-11-22T08:30:00",
    );
    expect(detail).toContain("--accept-clock");
    const epochs = (await allEvents(ledger.log)).filter(({ fact }) => fact.type === "WriterEpochStarted");
    expect(epochs).toHaveLength(1);
    await expect(ledger.send(writer, payment(...pair, 1n))).rejects.toMatchObject({ code: "not_ready" });
    const up = standing(true);
    set(-61 * DAY_MS);
    await up;
    expect(await ledger.send(writer, payment(...pair, 1n))).toMatchObject({ kind: "recorded" });
  });

  test("with its clock confirmed serves at once", async () => {
    const { ledger, writer, pair, runtime } = await restarted(61, true);
    expect(eventOf(await ledger.send(writer, payment(...pair, 1n))).at).toBe(runtime.now());
  });

  test("on an empty log has any clock", async () => {
    const { runtime, set } = clocks();
    set(36_500 * DAY_MS);
    const ledger = await writerFixture({ runtime });
    const writer = await ledger.start();
    expect(writer.readiness()).toMatchObject({ ready: true });
  });
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NO_REVISION, SHARD_MAX } from "../domain/position.ts";
import { makeFramesPool } from "../ports/event-frames.ts";
import type { EventLog, NewEvent } from "../ports/event-log.ts";
import { asNew, makeEvents, range, readAll } from "./event-log-events.ts";
import type { LogUnderTest } from "./event-log-suite.ts";

const refused = { name: "LedgerError", code: "wrong_expected_revision", retryable: false };

export function appendSuite(opened: () => LogUnderTest): void {
  describe("append", () => {
    test("an empty shard is before its first revision", async () => {
      const { log } = opened();
      expect(await log.head(0)).toBe(NO_REVISION);
      expect(await readAll(log, 0, 0)).toEqual([]);
    });

    test("appends at the exact revision and returns the last one", async () => {
      const { log } = opened();
      expect(await log.append(0, NO_REVISION, makeEvents(0, 3))).toBe(2);
      expect(await log.append(0, 2, makeEvents(3, 1))).toBe(3);
      expect(await log.head(0)).toBe(3);
      expect(asNew(await readAll(log, 0, 0))).toEqual(makeEvents(0, 4));
    });

    test.each([
      { stands: "behind the head, with other ids", expected: 1 },
      { stands: "before the first revision", expected: NO_REVISION },
      { stands: "beyond the head", expected: 7 },
    ])("refuses an expected revision $stands, and writes nothing", async ({ expected }) => {
      const { log } = opened();
      await log.append(0, NO_REVISION, makeEvents(0, 4));
      const other = makeEvents(expected + 1, 2, { salt: 2 });
      await expect(log.append(0, expected, other)).rejects.toMatchObject(refused);
      await expect(log.append(0, expected, other)).rejects.toThrow(new RegExp(` ${expected} .* 3\\b`));
      expect(asNew(await readAll(log, 0, 0))).toEqual(makeEvents(0, 4));
    });

    test("of two appends at one revision, one is written", async () => {
      const { log } = opened();
      const both = await Promise.allSettled(
        [1, 2].map((salt) => log.append(0, NO_REVISION, makeEvents(0, 2, { salt }))),
      );
      expect(both.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
      const salt = both[0]?.status === "fulfilled" ? 1 : 2;
      expect(asNew(await readAll(log, 0, 0))).toEqual(makeEvents(0, 2, { salt }));
    });

    test("shards do not affect one another", async () => {
      const { log } = opened();
      for (const shard of [SHARD_MAX, 1, 0]) {
        await log.append(shard, NO_REVISION, makeEvents(0, 2 + shard, { shard }));
      }
      expect(await log.head(2)).toBe(NO_REVISION);
      expect(await log.append(0, 1, makeEvents(2, 1))).toBe(2);
      for (const [shard, count] of [
        [0, 3],
        [1, 3],
        [SHARD_MAX, 2 + SHARD_MAX],
      ] as const) {
        expect(asNew(await readAll(log, shard, 0))).toEqual(makeEvents(0, count, { shard }));
      }
    });

    test.each([
      { what: "no events", events: [] },
      { what: "an event of another shard", events: makeEvents(0, 1, { shard: 3 }) },
      { what: "an event whose id has another revision", events: makeEvents(5, 1) },
      { what: "a type that is no name", events: makeEvents(0, 1).map((event) => ({ ...event, type: "a b" })) },
    ])("an append of $what is a bug of the caller", async ({ events }) => {
      const { log } = opened();
      await expect(log.append(0, NO_REVISION, events)).rejects.toThrow("assertion failed");
      expect(await log.head(0)).toBe(NO_REVISION);
    });
  });

  describe("repeated append", () => {
    test.each([
      { what: "the last append", first: 3, count: 4 },
      { what: "an older append", first: 0, count: 3 },
      { what: "a part of one", first: 4, count: 2 },
      { what: "events of two", first: 1, count: 5 },
    ])("$what is answered as it was, and written once", async ({ first, count }) => {
      const { log, reopen } = opened();
      await log.append(0, NO_REVISION, makeEvents(0, 3));
      await log.append(0, 2, makeEvents(3, 4));
      expect(await log.append(0, first - 1, makeEvents(first, count))).toBe(first + count - 1);
      const again = await reopen();
      expect(await again.append(0, first - 1, makeEvents(first, count))).toBe(first + count - 1);
      expect(asNew(await readAll(again, 0, 0))).toEqual(makeEvents(0, 7));
    });

    test("ids are compared, payloads are not", async () => {
      const { log } = opened();
      await log.append(0, NO_REVISION, makeEvents(0, 2));
      expect(await log.append(0, NO_REVISION, makeEvents(0, 2, { size: 9 }))).toBe(1);
      expect(asNew(await readAll(log, 0, 0))).toEqual(makeEvents(0, 2));
    });

    test.each([
      { what: "goes on beyond the head", events: makeEvents(1, 4) },
      { what: "differs in its first id", events: [...makeEvents(1, 1, { salt: 9 }), ...makeEvents(2, 2)] },
      { what: "differs in its last id", events: [...makeEvents(1, 2), ...makeEvents(3, 1, { salt: 9 })] },
    ])("one that $what is refused", async ({ events }) => {
      const { log } = opened();
      await log.append(0, NO_REVISION, makeEvents(0, 2));
      await log.append(0, 1, makeEvents(2, 2));
      await expect(log.append(0, 0, events)).rejects.toMatchObject(refused);
      expect(asNew(await readAll(log, 0, 0))).toEqual(makeEvents(0, 4));
    });
  });

  describe("stored bytes", () => {
    test("survive a reopening", async () => {
      const { log, reopen } = opened();
      await log.append(0, NO_REVISION, makeEvents(0, 5));
      await log.append(7, NO_REVISION, makeEvents(0, 2, { shard: 7 }));
      const again = await reopen();
      expect(await again.head(0)).toBe(4);
      expect(await again.append(0, 4, makeEvents(5, 1))).toBe(5);
      expect(asNew(await readAll(again, 0, 0))).toEqual(makeEvents(0, 6));
      expect(asNew(await readAll(again, 7, 0))).toEqual(makeEvents(0, 2, { shard: 7 }));
    });

    test("equal the appended ones: all byte values, none, the greatest numbers, the longest type", async () => {
      const { log } = opened();
      const [every, none, extreme] = makeEvents(0, 3, { size: 256 });
      const events = [every, { ...none, data: new Uint8Array() }, { ...extreme, ...extremes }] as NewEvent[];
      await log.append(0, NO_REVISION, events);
      expect(asNew(await readAll(log, 0, 0))).toEqual(events);
    });

    test("appended as text are its UTF-8", async () => {
      const { log } = opened();
      const texts = ["", '{"plain":1}', '{"name":"陳大文 😀 é"}', "x".repeat(3000)];
      const events = makeEvents(0, texts.length).map((event, i) => ({ ...event, data: texts[i] ?? "" }));
      await log.append(0, NO_REVISION, events);
      const bytes = texts.map((text) => new Uint8Array(Buffer.from(text)));
      expect(asNew(await readAll(log, 0, 0)).map(({ data }) => data)).toEqual(bytes);
    });

    test("may come in frames, whose bytes are reused after the append", async () => {
      const { log, appendBytesMax = Number.POSITIVE_INFINITY } = opened();
      const pool = makeFramesPool();
      // More than a pool's frames hold at first, if the store accepts that much.
      const count = appendBytesMax < 1_300_000 ? 800 : 1200;
      const [small, more, large] = [makeEvents(0, 3), makeEvents(3, 2), makeEvents(5, count, { size: 1000 })];
      for (const [expected, events] of [
        [NO_REVISION, small],
        [2, more],
        [4, large],
      ] as const) {
        const frames = pool.take();
        for (const event of events) frames.add(event);
        const mark = frames.mark();
        for (const event of makeEvents(7000, 2)) frames.add(event);
        frames.truncate(mark);
        expect(await log.append(0, expected, frames)).toBe(expected + events.length);
        pool.giveBack(frames);
        const other = pool.take();
        for (const event of makeEvents(9000, 3)) other.add(event);
        pool.giveBack(other);
      }
      expect(asNew(await readAll(log, 0, 0))).toEqual([...small, ...more, ...large]);
    });

    test("may come from one buffer that is reused", async () => {
      const { log } = opened();
      const pool = new Uint8Array(4096).fill(1);
      const events = makeEvents(0, 4).map((event, i) => ({ ...event, data: pool.subarray(i * 8, i * 8 + 8) }));
      await log.append(0, NO_REVISION, events);
      pool.fill(2);
      expect(pool.length).toBe(4096);
      for (const event of await readAll(log, 0, 0))
        expect(new Uint8Array(event.data)).toEqual(new Uint8Array(8).fill(1));
    });

    test("of a big append, 900 KiB, are complete", async () => {
      const { log, reopen } = opened();
      const events = makeEvents(0, 1800, { size: 450 });
      expect(await log.append(0, NO_REVISION, events)).toBe(1799);
      const read = asNew(await readAll(await reopen(), 0, 0));
      expect(read.length).toBe(1800);
      expect(
        read.every((event, i) => Buffer.compare(event.data, events[i]?.data ?? event.data.subarray(1)) === 0),
      ).toBe(true);
    });
  });

  test("a log behaves like a list of events, whatever is appended and repeated", async () => {
    const { log } = opened();
    let shard = 0;
    const steps = fc.array(fc.record({ back: fc.nat(6), count: fc.integer({ min: 1, max: 5 }), salt: fc.nat(1) }), {
      maxLength: 20,
    });
    await fc.assert(
      fc.asyncProperty(steps, async (appends) => checkAgainstList(log, ++shard, appends)),
      { numRuns: 40 },
    );
  });
}

const extremes = {
  type: `T${"y".repeat(254)}`,
  version: 65_535,
  at: Number.MAX_SAFE_INTEGER,
  data: new Uint8Array([0, 255]),
};

/** Appends at the head (back = 0), beyond it (1) or behind it, and compares each outcome with that of a plain list. */
async function checkAgainstList(
  log: EventLog,
  shard: number,
  appends: readonly { back: number; count: number; salt: number }[],
): Promise<void> {
  const list: NewEvent[] = [];
  for (const { back, count, salt } of appends) {
    const first = Math.max(0, back === 1 ? list.length + 1 : list.length - back);
    const events = makeEvents(first, count, { shard, salt });
    const repeated = events.every((event, i) => list[first + i]?.id === event.id);
    const append = log.append(shard, first - 1, events);
    if (first === list.length || repeated) expect(await append).toBe(first + count - 1);
    else await expect(append).rejects.toMatchObject(refused);
    if (first === list.length) list.push(...events);
  }
  expect(await log.head(shard)).toBe(list.length - 1);
  const read = await readAll(log, shard, 0);
  expect(asNew(read)).toEqual(list);
  expect(read.map((event) => event.revision)).toEqual(range(0, list.length - 1));
}

import { describe, expect, test } from "vitest";
import { leafHash } from "../adapters/leaf.ts";
import { NO_REVISION } from "../domain/position.ts";
import { asNew, makeEvents, range, readAll } from "./event-log-events.ts";
import type { LogUnderTest } from "./event-log-suite.ts";

export function readSuite(opened: () => LogUnderTest): void {
  describe("read", () => {
    /** Appends of 1, 2, … 6 events: revisions 0 to 20. */
    const filled = async () => {
      const { log } = opened();
      for (let head = NO_REVISION, size = 1; size <= 6; size++)
        head = await log.append(0, head, makeEvents(head + 1, size));
      return log;
    };

    test("starts at any revision, in the middle of an append too", async () => {
      const log = await filled();
      for (const from of range(0, 20)) {
        const read = await readAll(log, 0, from);
        expect(read.map((event) => event.revision)).toEqual(range(from, 20));
        expect(asNew(read)).toEqual(makeEvents(from, 21 - from));
      }
    });

    test("ends at its limit", async () => {
      const log = await filled();
      for (const from of range(0, 20))
        for (const limit of [1, 2, 7, 100])
          expect(asNew(await readAll(log, 0, from, limit))).toEqual(makeEvents(from, Math.min(limit, 21 - from)));
    });

    test("returns nothing beyond the head, and never an empty list", async () => {
      const log = await filled();
      expect(await readAll(log, 0, 21)).toEqual([]);
      expect(await readAll(log, 0, 1000)).toEqual([]);
      for await (const events of log.read(0, 0)) expect(events.length).toBeGreaterThan(0);
    });

    test("from no revision is a bug of the caller", async () => {
      const log = await filled();
      await expect(readAll(log, 0, NO_REVISION)).rejects.toThrow("assertion failed");
    });

    test("gives each event its position, and a leaf that is the hash of its bytes", async () => {
      const log = await filled();
      await log.append(5, NO_REVISION, makeEvents(0, 2, { shard: 5 }));
      for (const shard of [0, 5])
        for (const [index, event] of (await readAll(log, shard, 0)).entries()) {
          expect(event).toMatchObject({ shard, revision: index });
          expect(Buffer.from(event.leaf).toString("hex")).toBe(Buffer.from(leafHash(event)).toString("hex"));
        }
    });

    test("ends at the head of its start, while appends go on", async () => {
      const { log } = opened();
      let head = await log.append(0, NO_REVISION, makeEvents(0, 3000));
      const revisions: number[] = [];
      for await (const events of log.read(0, 0)) {
        revisions.push(...events.map((event) => event.revision));
        head = await log.append(0, head, makeEvents(head + 1, 1));
      }
      expect(revisions).toEqual(range(0, 2999));
    });

    test("concurrent reads, some of them abandoned, do not disturb each other", async () => {
      const { log } = opened();
      await log.append(0, NO_REVISION, makeEvents(0, 3000));
      const leave = async (from: number) => {
        for await (const events of log.read(0, from)) return events[0]?.revision;
        return undefined;
      };
      const reads = range(0, 5).map((n) => readAll(log, 0, n * 500, 700));
      expect(await Promise.all(range(0, 5).map((n) => leave(n * 100)))).toEqual([0, 100, 200, 300, 400, 500]);
      for (const [n, read] of (await Promise.all(reads)).entries())
        expect(read.map((event) => event.revision)).toEqual(range(n * 500, Math.min(n * 500 + 699, 2999)));
    });

    test("fails on a closed log", async () => {
      const log = await filled();
      await log.close();
      const unavailable = { code: "log_unavailable" };
      await expect(readAll(log, 0, 0)).rejects.toMatchObject(unavailable);
      await expect(log.head(0)).rejects.toMatchObject(unavailable);
      await expect(log.append(0, 20, makeEvents(21, 1))).rejects.toMatchObject(unavailable);
    });
  });
}

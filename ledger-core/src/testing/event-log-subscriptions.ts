import { describe, expect, test } from "vitest";
import { NO_REVISION } from "../domain/position.ts";
import type { Delivery, EventLog } from "../ports/event-log.ts";
import { followTo, makeEvents, range } from "./event-log-events.ts";
import type { LogUnderTest } from "./event-log-suite.ts";

export function subscribeSuite(opened: () => LogUnderTest): void {
  describe("subscribe", () => {
    test("delivers history, reports that it caught up, and continues live", async () => {
      const { log } = opened();
      await log.append(0, NO_REVISION, makeEvents(0, 3));
      const told = tell(log, 1);
      expect(await told.events(2)).toEqual([1, 2]);
      expect(await told.next()).toBe("caught up at 2");
      await log.append(0, 2, makeEvents(3, 2));
      expect(await told.events(2)).toEqual([3, 4]);
      expect(await told.end()).toEqual([]);
    });

    test("of an empty shard is caught up at once", async () => {
      const { log } = opened();
      const told = tell(log, 0);
      expect(await told.next()).toBe("caught up at -1");
      await log.append(1, NO_REVISION, makeEvents(0, 1, { shard: 1 }));
      await log.append(0, NO_REVISION, makeEvents(0, 1));
      expect(await told.events(1)).toEqual([0]);
      await told.end();
    });

    test("from beyond the head waits for that revision", async () => {
      const { log } = opened();
      await log.append(0, NO_REVISION, makeEvents(0, 2));
      const told = tell(log, 5);
      expect(await told.next()).toBe("caught up at 1");
      await log.append(0, 1, makeEvents(2, 2));
      await log.append(0, 3, makeEvents(4, 3));
      expect(await told.events(2)).toEqual([5, 6]);
      await told.end();
    });

    test("goes from history to live without gap or repeat while appends go on", async () => {
      const { log } = opened();
      let head = await log.append(0, NO_REVISION, makeEvents(0, 1500));
      const last = 1500 + 3 * range(1, 60).reduce((sum, n) => sum + n, 0) - 1;
      const followers = [followTo(log, 0, 0, last)];
      for (const size of range(1, 180)) {
        if (size % 20 === 0) followers.push(followTo(log, 0, Math.max(0, head - 50), last));
        head = await log.append(0, head, makeEvents(head + 1, 1 + Math.floor((size - 1) / 3)));
      }
      expect(head).toBe(last);
      for (const revisions of await Promise.all(followers)) expect(revisions).toEqual(range(revisions[0] ?? -1, last));
    });

    test("a slow consumer holds up neither appends nor other consumers, and misses nothing", async () => {
      const { log } = opened();
      const slow = tell(log, 0);
      expect(await slow.next()).toBe("caught up at -1");
      let head = NO_REVISION;
      for (const _ of range(1, 30)) head = await log.append(0, head, makeEvents(head + 1, 100));
      expect(await followTo(log, 0, 0, head)).toEqual(range(0, head));
      const seen: number[] = [];
      while (seen.length <= head) {
        const next = await slow.next();
        if (Array.isArray(next)) seen.push(...next);
      }
      expect(seen).toEqual(range(0, head));
      await slow.end();
    });

    test("ends without an error when it is aborted: before it starts, in history, while it waits", async () => {
      const { log } = opened();
      await log.append(0, NO_REVISION, makeEvents(0, 2000));
      const aborted: Delivery[] = [];
      for await (const delivery of log.subscribe(0, 0, AbortSignal.abort())) aborted.push(delivery);
      expect(aborted).toEqual([]);

      const abort = new AbortController();
      let pieces = 0;
      for await (const _ of log.subscribe(0, 0, abort.signal)) {
        pieces++;
        abort.abort();
      }
      expect(pieces).toBe(1);

      const waiting = tell(log, 2000);
      expect(await waiting.next()).toBe("caught up at 1999");
      expect(await waiting.end()).toEqual([]);
    });

    test("a consumer that leaves ends it", async () => {
      const { log } = opened();
      await log.append(0, NO_REVISION, makeEvents(0, 2));
      for await (const delivery of log.subscribe(0, 0, new AbortController().signal))
        if (delivery.kind === "caught_up") break;
      expect(await log.append(0, 1, makeEvents(2, 1))).toBe(2);
    });

    test("fails when the log is closed while it waits", async () => {
      const { log } = opened();
      const told = tell(log, 0);
      expect(await told.next()).toBe("caught up at -1");
      const next = told.next();
      const [closed] = await Promise.allSettled([next, log.close()]);
      expect(closed).toMatchObject({ status: "rejected", reason: { code: "log_unavailable" } });
    });
  });
}

/** A subscription step by step: the revisions of a delivery, or that it caught up. */
function tell(log: EventLog, from: number) {
  const abort = new AbortController();
  const deliveries = log.subscribe(0, from, abort.signal)[Symbol.asyncIterator]();
  const next = async (): Promise<number[] | string> => {
    const step = await deliveries.next();
    if (step.done) return "ended";
    if (step.value.kind === "caught_up") return `caught up at ${step.value.head}`;
    return step.value.events.map((event) => event.revision);
  };
  return {
    next,
    /** At least the next `count` events, in any number of deliveries. */
    events: async (count: number): Promise<number[]> => {
      const revisions: number[] = [];
      while (revisions.length < count) {
        const delivery = await next();
        if (delivery === "ended") throw new Error(`the subscription ended after ${revisions}`);
        if (Array.isArray(delivery)) revisions.push(...delivery);
      }
      return revisions;
    },
    /** Aborts during the wait for a delivery, and returns the deliveries that still came. */
    end: async (): Promise<unknown[]> => {
      const rest: unknown[] = [];
      const waiting = deliveries.next();
      abort.abort();
      for (let step = await waiting; !step.done; step = await deliveries.next())
        if (step.value.kind === "events") rest.push(step.value);
      return rest;
    },
  };
}

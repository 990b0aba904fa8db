import { once } from "node:events";
import { assert, LedgerError, NO_REVISION, type Projection, type Revision } from "ledger-core";
import type { Delivery, EventSource, StoredEvent } from "ledger-core/event-log";
import { systemRuntime } from "ledger-core/process";
import { openTestLog, randomHistory, seeded } from "ledger-core/testing";
import { expect, onTestFinished, test } from "vitest";
import { memoryTarget } from "../testing/memory-target.ts";
import { appendAll, quiet, stored } from "../testing/stores.ts";
import { decodeOnce } from "./application.ts";
import { type ProjectionStatus, runProjection } from "./consumer.ts";
import { type ReadingTuning, shareReading } from "./shared-reading.ts";

const history = randomHistory(3, 300).slice(0, 120);
const events = stored(history);
const all = events.map(({ revision }) => revision);

/** An in-memory log that grows on demand, and records who subscribed from where. */
function growingLog(length: number, pieces = 8) {
  let head = length - 1;
  let failure: unknown;
  const subscribed: Revision[] = [];
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const go of waiting) go();
    waiting.clear();
  };
  const log: EventSource = {
    read: async function* () {},
    head: async () => head,
    close: async () => {},
    subscribe: async function* (_shard, from, signal) {
      subscribed.push(from);
      for (let next = from, told = false; !signal.aborted; ) {
        if (failure !== undefined) throw failure;
        if (next <= head) {
          const piece = events.slice(next, Math.min(next + pieces, head + 1));
          next += piece.length;
          told = false;
          yield { kind: "events", events: piece };
        } else if (told) await Promise.race([new Promise<void>((go) => waiting.add(go)), once(signal, "abort")]);
        else {
          told = true;
          yield { kind: "caught_up", head };
        }
      }
    },
  };
  return {
    ...{ log, subscribed },
    growTo(to: number) {
      head = to - 1;
      wake();
    },
    fail(error: unknown) {
      failure = error;
      wake();
    },
    mend() {
      failure = undefined;
    },
  };
}

function share(log: EventSource, tuning: ReadingTuning = {}): EventSource {
  return shareReading(log, { paceMs: 0, ...tuning });
}

/** A subscriber that asks for each delivery. */
function follower(log: EventSource, from: Revision) {
  const abort = new AbortController();
  onTestFinished(() => abort.abort());
  const deliveries = log.subscribe(0, from, abort.signal)[Symbol.asyncIterator]();
  const seen: StoredEvent[] = [];
  const repeats = { count: 0 };
  const take = async (): Promise<Delivery | undefined> => {
    const { value, done } = await deliveries.next();
    if (done) return undefined;
    if (value.kind === "events") {
      const fresh = value.events.filter(({ revision }) => revision >= from + seen.length);
      repeats.count += value.events.length - fresh.length;
      seen.push(...fresh);
    }
    return value;
  };
  return {
    ...{ seen, take, repeats },
    async until(revision: Revision) {
      while ((seen.at(-1)?.revision ?? NO_REVISION) < revision) assert(await take(), "the subscription goes on");
    },
    async untilEnd() {
      for (let kind = ""; kind !== "caught_up"; ) {
        const delivery = await take();
        assert(delivery, "the subscription goes on");
        kind = delivery.kind;
      }
    },
    stop: () => abort.abort(),
  };
}

const revisionsOf = (seen: readonly StoredEvent[]) => seen.map(({ revision }) => revision);

test("subscriptions share one reading, and an event is decoded once for all", async () => {
  const { log, subscribed } = growingLog(40);
  const shared = share(log);
  const [one, other] = [follower(shared, 0), follower(shared, 0)];
  await Promise.all([one.untilEnd(), other.untilEnd()]);
  expect(subscribed).toEqual([0]);
  expect(revisionsOf(one.seen)).toEqual(all.slice(0, 40));
  expect(one.seen.every((event, n) => event === other.seen[n])).toBe(true);
  const [event] = one.seen;
  if (!event) throw new Error("there is an event");
  expect(decodeOnce(event)).toBe(decodeOnce(event));
  expect(decodeOnce({ ...event, revision: 7 }).revision).toBe(7);
});

test("before the end, the reading moves back for a subscriber that starts behind it, up to a bound", async () => {
  const { log, subscribed } = growingLog(60);
  const shared = share(log, { backMax: 30 });
  const first = follower(shared, 20);
  await first.until(35);
  const behind = follower(shared, 10);
  const started = Promise.all([first.untilEnd(), behind.until(45)]);
  await behind.until(45);
  const farBehind = follower(shared, 0);
  await Promise.all([started, behind.untilEnd(), farBehind.untilEnd()]);
  expect(subscribed).toEqual([20, 10, 0]);
  expect(first.repeats.count).toBeGreaterThan(0);
  expect([behind.repeats.count, farBehind.repeats.count]).toEqual([0, 0]);
  expect(revisionsOf(first.seen)).toEqual(all.slice(20, 60));
  expect(revisionsOf(behind.seen)).toEqual(all.slice(10, 60));
  expect(revisionsOf(farBehind.seen)).toEqual(all.slice(0, 60));
});

test("a subscriber behind a live reading reads on its own until it has caught up, then shares it", async () => {
  const { log, subscribed, growTo } = growingLog(50);
  const shared = share(log);
  const live = follower(shared, 0);
  await live.untilEnd();
  const late = follower(shared, 5);
  await late.untilEnd();
  expect(subscribed).toEqual([0, 5]);
  const taken = Promise.all([live.until(79), late.until(79)]);
  growTo(80);
  await taken;
  expect(subscribed).toEqual([0, 5]);
  expect(revisionsOf(late.seen)).toEqual(all.slice(5, 80));
  expect(late.seen.at(-1)).toBe(live.seen.at(-1));
});

test("a subscriber that joins at the end is told that it caught up", async () => {
  const { log, subscribed } = growingLog(20);
  const shared = share(log);
  await follower(shared, 0).untilEnd();
  expect(await follower(shared, 20).take()).toEqual({ kind: "caught_up", head: 19 });
  expect(subscribed).toEqual([0]);
});

test("a subscriber that takes nothing is left behind, and later continues on its own without a gap", async () => {
  const { log, subscribed } = growingLog(40);
  const shared = share(log, { patienceMs: 1 });
  const [quick, slow] = [follower(shared, 0), follower(shared, 0)];
  await Promise.all([quick.take(), slow.take()]);
  await quick.untilEnd();
  expect(revisionsOf(quick.seen)).toEqual(all.slice(0, 40));
  await slow.untilEnd();
  expect(revisionsOf(slow.seen)).toEqual(all.slice(0, 40));
  expect(subscribed.length).toBe(2);
});

test("a reading ends with its last subscriber, and the next one starts another", async () => {
  const { log, subscribed } = growingLog(20);
  const shared = share(log);
  const [one, other] = [follower(shared, 0), follower(shared, 0)];
  await Promise.all([one.untilEnd(), other.untilEnd()]);
  const rest = [one.take(), other.take()];
  one.stop();
  expect(await rest[0]).toBeUndefined();
  other.stop();
  expect(await rest[1]).toBeUndefined();
  const next = follower(shared, 4);
  await next.untilEnd();
  expect(revisionsOf(next.seen)).toEqual(all.slice(4, 20));
  expect(subscribed).toEqual([0, 4]);
});

test("the log's error reaches everyone who shares the reading", async () => {
  const { log, fail, mend, subscribed } = growingLog(20);
  const shared = share(log);
  const [one, other] = [follower(shared, 0), follower(shared, 0)];
  await Promise.all([one.untilEnd(), other.untilEnd()]);
  const faults = [one.take(), other.take()].map((taken) => expect(taken).rejects.toThrow("gone"));
  fail(new LedgerError("log_unavailable", "gone"));
  await Promise.all(faults);
  mend();
  await follower(shared, 20).untilEnd();
  expect(subscribed).toEqual([0, 20]);
});

test("a projection whose store fails reads on its own, and the others do not wait for it", async () => {
  const { log } = await openTestLog();
  await appendAll(log, history.slice(0, 60));
  const shared = share(log);
  const abort = new AbortController();
  const live = new Map<string, PromiseWithResolvers<void>>();
  const start = (name: string, target = memoryTarget<Revision>()) => {
    const reached = Promise.withResolvers<void>();
    live.set(name, reached);
    const projection: Projection<Revision> = { name, project: ({ revision }) => [revision] };
    const run = runProjection({
      ...{ log: shared, shard: 0, projection, target, signal: abort.signal, logger: quiet },
      retryMs: { first: 1, most: 1 },
      onStatus: ({ state }: ProjectionStatus) => state === "live" && reached.resolve(),
    });
    return { run, target };
  };
  const faulty = memoryTarget<Revision>();
  const error = new LedgerError("store_unavailable", "away", { retryable: true });
  for (let n = 0; n < 40; n++) faulty.faults.push({ error, applied: n % 2 === 0 ? "before" : "after" });
  const [well, ill] = [start("well"), start("ill", faulty)];
  await Promise.all(Array.from(live.values(), ({ promise }) => promise));
  abort.abort();
  await Promise.all([well.run.finished, ill.run.finished]);
  expect([well.target.applied, ill.target.applied]).toEqual([all.slice(0, 60), all.slice(0, 60)]);
});

test("whoever joins, leaves and waits: each sees every event from its start, in order", async () => {
  const seed = Date.now() % 2 ** 31;
  const next = seeded(seed);
  const { log, growTo } = growingLog(30, 3);
  const shared = share(log, { patienceMs: 1 + next(3), backMax: next(40) });
  const follow = async () => {
    const from = next(30);
    const one = follower(shared, from);
    while ((one.seen.at(-1)?.revision ?? NO_REVISION) < all.length - 1) {
      if (next(20) === 0) await systemRuntime.delay(next(8));
      assert(await one.take(), "the subscription goes on");
    }
    expect(revisionsOf(one.seen), `seed ${seed}`).toEqual(all.slice(from));
    one.stop();
  };
  const grow = async () => {
    for (let length = 30; length < all.length; length += 1 + next(9)) {
      growTo(length);
      await systemRuntime.delay(next(4));
    }
    growTo(all.length);
  };
  const followers = Array.from({ length: 12 }, async () => {
    await systemRuntime.delay(next(20));
    await follow();
    await follow();
  });
  await Promise.all([grow(), ...followers]);
});

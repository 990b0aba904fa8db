import { LedgerError, type LedgerEvent, NO_REVISION, type Projection, type Revision } from "ledger-core";
import type { EventSource } from "ledger-core/event-log";
import { openTestLog, randomHistory } from "ledger-core/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { memoryTarget } from "../testing/memory-target.ts";
import { type Script, scriptedLog } from "../testing/scripted-log.ts";
import { appendAll, quiet, stored } from "../testing/stores.ts";
import { type ConsumerOptions, type ProjectionStatus, runProjection } from "./consumer.ts";
import { shareReading } from "./shared-reading.ts";

const history = randomHistory(7, 90);
const events = stored(history);
const head = events.length - 1;

/** Every event projects to its own revision, which shows which events were applied, and how often. */
const revisions: Projection<Revision> = { name: "revisions", project: ({ revision }) => [revision] };
const all = events.map(({ revision }) => revision);

const script = (deliveries: Script["deliveries"], error?: unknown) => scriptedLog(() => ({ deliveries, error }));

describe.each([
  ["by itself", (log: EventSource) => log, false],
  ["on a shared reading", (log: EventSource) => shareReading(log, { paceMs: 0 }), false],
  ["into a target that prepares", (log: EventSource) => log, true],
])("a projection %s", (_, reading, prepares) => {
  const newTarget = (refuses?: (change: Revision) => boolean) => memoryTarget<Revision>(refuses, prepares);

  function start(options: Partial<ConsumerOptions<Revision>> & Pick<ConsumerOptions<Revision>, "log">) {
    const abort = new AbortController();
    const target = newTarget();
    const seen: ProjectionStatus[] = [];
    const waiting: { state: string; resolve: (status: ProjectionStatus) => void }[] = [];
    const run = runProjection({
      ...{
        shard: 0,
        projection: revisions,
        target,
        signal: abort.signal,
        logger: quiet,
        retryMs: { first: 1, most: 4 },
      },
      ...options,
      log: reading(options.log),
      onStatus: (status) => {
        seen.push(status);
        for (const { state, resolve } of waiting) if (state === status.state) resolve(status);
      },
    });
    const until = (state: ProjectionStatus["state"]) =>
      new Promise<ProjectionStatus>((resolve) => {
        if (run.status().state === state) resolve(run.status());
        else waiting.push({ state, resolve });
      });
    const stop = async () => {
      abort.abort();
      await run.finished;
    };
    onTestFinished(stop);
    return { run, target, seen, until, stop };
  }

  test("applies history, then new events, in order and once", async () => {
    const { log } = await openTestLog();
    await appendAll(log, history.slice(0, 40));
    const last = Promise.withResolvers<void>();
    const { target, until, stop, seen, run } = start({
      log,
      onProgress: (_, __, revision) => {
        if (revision === head) last.resolve();
      },
    });
    expect(await until("live")).toMatchObject({ revision: 39, reason: null });
    await appendAll(log, history.slice(40));
    await last.promise;
    await stop();
    expect(target.applied).toEqual(all);
    expect(run.status()).toMatchObject({ state: "stopped", revision: head });
    expect(seen.map(({ state }) => state)).toEqual(["live", "stopped"]);
  });

  test("continues from the target's checkpoint", async () => {
    const { log } = await openTestLog();
    await appendAll(log, history);
    const target = newTarget();
    await target.apply(0, NO_REVISION, 9, []);
    const { until } = start({ log, target });
    await until("live");
    expect(target.applied).toEqual(all.slice(10));
  });

  test("repeats are dropped, of one event and of whole deliveries", async () => {
    const twice = events.flatMap((event) => [event, event]);
    const { target, until } = start({ log: script([events.slice(0, 9), events.slice(3, 20), twice, events]) });
    expect(await until("live")).toMatchObject({ revision: head });
    expect(target.applied).toEqual(all);
  });

  test.each([
    ["a missing event", [events.slice(0, 12), events.slice(13)], 12],
    ["events in the wrong order", [[...events.slice(0, 5), ...events.slice(5, 9).reverse()]], 5],
    ["a delivery that starts late", [events.slice(2)], 0],
  ])("%s halts it before the gap, loudly", async (_, deliveries, expected) => {
    const { target, until, run } = start({ log: script(deliveries) });
    const status = await until("halted");
    await run.finished;
    expect(status.reason).toMatch(new RegExp(`^revision_gap: .*${expected} should follow, and event evt_`));
    expect(target.applied).toEqual(all.slice(0, expected));
    expect(await target.checkpoint(0)).toBe(expected - 1);
  });

  test("an unreadable event halts its shard and is named, and another shard continues", async () => {
    const garbled = events.map((event) =>
      event.revision === 21 ? { ...event, data: new TextEncoder().encode('{"origin":7}') } : event,
    );
    const target = newTarget();
    const first = start({ log: script([garbled]), target, shard: 0 });
    const second = start({ log: script([events]), target, shard: 1 });
    expect((await first.until("halted")).reason).toContain(`poison_event: event ${events[21]?.id} at 0:21`);
    expect(await second.until("live")).toMatchObject({ shard: 1, revision: head, reason: null });
    expect(await target.checkpoint(0)).toBe(20);
    expect(first.run.status()).toMatchObject({ state: "halted", revision: 20 });
  });

  test("an event of an unknown type is not skipped", async () => {
    const unknown = events.map((event) => (event.revision === 3 ? { ...event, type: "DisputeOpened" } : event));
    const { until, target } = start({ log: script([unknown]) });
    expect((await until("halted")).reason).toContain("DisputeOpened");
    expect(target.applied).toEqual(all.slice(0, 3));
  });

  test("an event that its projection fails on halts it after the previous event", async () => {
    const project = (event: LedgerEvent) => {
      if (event.revision === 17) throw new Error("assertion failed: two postings");
      return [event.revision];
    };
    const { until, target } = start({ log: script([events]), projection: { ...revisions, project } });
    const { reason } = await until("halted");
    expect(reason).toMatch(/^poison_event: revisions cannot apply event evt_\w+ at 0:17 .*two postings$/);
    expect(target.applied).toEqual(all.slice(0, 17));
  });

  test("an event that the target refuses is found in its batch; those before it are applied", async () => {
    const target = newTarget((change) => change === 33);
    const { until } = start({ log: script([events]), target });
    expect((await until("halted")).reason).toContain(`event ${events[33]?.id} at 0:33`);
    expect(target.applied).toEqual(all.slice(0, 33));
  });

  test.each(["before", "after"] as const)(
    "a store that fails %s it applied is asked again, and each event applied once",
    async (applied) => {
      const target = newTarget();
      const error = new LedgerError("store_unavailable", "gone for now", { retryable: true });
      for (let n = 0; n < 4; n++) target.faults.push({ error, applied });
      const log = scriptedLog((from) => ({ deliveries: [events.slice(from, from + 9), events.slice(from + 9)] }));
      const { until, seen } = start({ log, target, batchMax: 9 });
      expect(await until("live")).toMatchObject({ revision: head, reason: null });
      expect(target.applied).toEqual(all);
      expect(seen.find(({ state }) => state === "retrying")?.reason).toBe("store_unavailable: gone for now");
    },
  );

  test.each([
    { at: 4, state: "halted", damaged: true, reason: /^store_damaged: .*is at 4, and events up to 9 were applied$/ },
    {
      at: 12,
      state: "retrying",
      damaged: false,
      reason: /^not_ready: .*applied shard 0 up to 12; this one steps back$/,
    },
  ] as const)("a checkpoint found at $at after 9: only one that went back is damage", async (expected) => {
    const { at, state, damaged, reason } = expected;
    const whole = newTarget();
    const target: typeof whole = {
      ...whole,
      apply: async (...change) => {
        if (change[1] === 9) throw new LedgerError("revision_gap", "not there");
        await whole.apply(...change);
      },
      checkpoint: async (shard) => ((await whole.checkpoint(shard)) === 9 ? at : whole.checkpoint(shard)),
    };
    const { until } = start({ log: script([events.slice(0, 10), events.slice(10)]), target, batchMax: 10 });
    expect(await until(state)).toMatchObject({ damaged, reason: expect.stringMatching(reason) });
  });

  test("a store that comes back empty is damage, and not filled as if nothing had happened", async () => {
    const whole = newTarget();
    let emptied = false;
    const target: typeof whole = {
      ...whole,
      apply: async (...change) => {
        if (change[1] !== 9) return whole.apply(...change);
        emptied = true;
        throw new LedgerError("store_unavailable", "killed", { retryable: true });
      },
      checkpoint: async (shard) => (emptied ? NO_REVISION : whole.checkpoint(shard)),
    };
    const pieces = [events.slice(0, 10), events.slice(10)];
    const { until } = start({ log: script(pieces), target, batchMax: 10 });
    const reason = expect.stringMatching(/^store_damaged: .*is at -1, and events up to 9 were applied$/);
    expect(await until("halted")).toMatchObject({ damaged: true, reason });
  });

  test("with two workers of one shard, one applies each event and the other steps back", async () => {
    const target = newTarget();
    const pieces = Array.from({ length: events.length }, (_, n) => events.slice(n, n + 1));
    const workers = [1, 2].map(() =>
      start({ log: scriptedLog((from) => ({ deliveries: pieces.slice(from) })), target }),
    );
    for (const { until } of workers) await until("live");
    expect(target.applied).toEqual(all);
    for (const { seen } of workers) expect(seen.map(({ state }) => state)).not.toContain("halted");
    expect(workers.flatMap(({ seen }) => seen).some(({ reason }) => reason?.includes("steps back"))).toBe(true);
  });

  test("a log that goes away is followed again from the checkpoint", async () => {
    const error = new LedgerError("log_unavailable", "no room");
    const log = scriptedLog((from, attempt) =>
      attempt < 3 ? { deliveries: [events.slice(from, from + 5)], error } : { deliveries: [events.slice(from)] },
    );
    const { until, target } = start({ log });
    await until("live");
    expect(target.applied).toEqual(all);
  });

  test("a damaged log halts it, since later events are unknown", async () => {
    const error = new LedgerError("log_corrupt", "revision 5 does not match its leaf", {
      position: { shard: 0, revision: 5 },
    });
    const { until, target } = start({ log: script([events.slice(0, 5)], error) });
    expect((await until("halted")).reason).toContain("log_corrupt: revision 5");
    expect(target.applied).toEqual(all.slice(0, 5));
  });
});

test("a bug is thrown, not reported as a status", async () => {
  const abort = new AbortController();
  const target = memoryTarget<Revision>();
  target.faults.push({ error: new TypeError("undefined is not a function"), applied: "before" });
  const run = runProjection({
    ...{ log: script([events]), shard: 0, projection: revisions, target, signal: abort.signal, logger: quiet },
  });
  await expect(run.finished).rejects.toThrow("undefined is not a function");
});

import { LedgerError } from "ledger-core";
import type { EventLog, NewEvent } from "ledger-core/event-log";
import { describe, expect, test } from "vitest";
import type { Writer } from "../writer-port.ts";
import { allEvents, bulkItem, eventOf, operator, payment, writerFixture } from "./writer.fixture.ts";

/** The fate of an append: done, or failed before or after it was written. */
type Fate = "done" | "lost_request" | "lost_reply" | "no_room" | "fenced";

/** A log whose appends meet the given fates, one after another, and then succeed. */
function fated(log: EventLog, fates: Fate[], seen: (readonly NewEvent[])[] = []): EventLog {
  return {
    ...log,
    read: (shard, from, options) => log.read(shard, from, options),
    head: (shard) => log.head(shard),
    subscribe: (shard, from, signal) => log.subscribe(shard, from, signal),
    close: () => log.close(),
    async append(shard, expected, events) {
      seen.push([...events]);
      const fate = fates.shift() ?? "done";
      if (fate === "no_room") throw new LedgerError("log_unavailable", "no room", { retryable: true });
      if (fate === "fenced") throw new LedgerError("wrong_expected_revision", "another writer wrote");
      if (fate === "lost_request") throw new LedgerError("outcome_unknown", "timed out", { retryable: true });
      const last = await log.append(shard, expected, events);
      if (fate === "lost_reply") throw new LedgerError("outcome_unknown", "connection lost", { retryable: true });
      return last;
    },
  };
}

function whenServing(told: { ready: boolean }[]): {
  onReadiness: (s: { ready: boolean }) => void;
  serving: Promise<void>;
} {
  let serve: () => void = () => {};
  const serving = new Promise<void>((resolve) => (serve = resolve));
  const onReadiness = (standing: { ready: boolean }) => {
    told.push(standing);
    if (standing.ready) serve();
  };
  return { onReadiness, serving };
}

describe("an append whose outcome is unknown", () => {
  test.each<Fate>(["lost_request", "lost_reply"])(
    "%s: the same bytes are sent again, and the command happens once",
    async (fate) => {
      const fates: Fate[] = [];
      const seen: (readonly NewEvent[])[] = [];
      const ledger = await writerFixture({ wrap: (log) => fated(log, fates, seen) });
      const writer = await ledger.start();
      const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
      seen.length = 0;
      fates.push(fate, fate);
      const event = eventOf(await ledger.send(writer, payment(from, to, 5n)));
      expect(seen).toHaveLength(3);
      expect(seen[1]).toEqual(seen[0]);
      expect(seen[2]).toEqual(seen[0]);
      expect((await allEvents(ledger.log)).filter((other) => other.fact.type === "PaymentCharged")).toEqual([event]);
    },
  );
});

describe("an append of unknown outcome that is then refused for want of room", () => {
  test("may still be on its way: the command is not failed, and answered when the log says", async () => {
    const fates: Fate[] = [];
    const ledger = await writerFixture({ wrap: (log) => fated(log, fates) });
    const writer = await ledger.start();
    const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
    fates.push("lost_reply", "no_room");
    const event = eventOf(await ledger.send(writer, payment(from, to, 5n)));
    expect((await allEvents(ledger.log)).filter((other) => other.fact.type === "PaymentCharged")).toEqual([event]);
    expect(writer.readiness().ready).toBe(true);
  });
});

describe("a bulk of which a part is on its way to the log when the rest cannot be read", () => {
  test("fails only when that part is known to be there, or not", async () => {
    const gate = Promise.withResolvers<void>();
    let broken = false;
    const ledger = await writerFixture({
      // The second item is loaded for another batch while the first is being appended.
      ...{ loadItemsMax: 1, pipelineThreshold: 1 },
      wrap: (log) => ({
        ...log,
        append: async (shard, expected, events) => {
          if (broken) await gate.promise;
          return log.append(shard, expected, events);
        },
        async *read(shard, from, options) {
          if (broken) {
            setImmediate(() => setImmediate(gate.resolve));
            throw new LedgerError("log_unavailable", "no answer", { retryable: true });
          }
          yield* log.read(shard, from, options);
        },
      }),
    });
    const writer = await ledger.start();
    const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
    const known = payment(from, to, 5n);
    await ledger.send(writer, known, "known");
    broken = true;
    const items = [bulkItem("new", payment(from, to, 7n)), bulkItem("known", known)];
    const head = await ledger.log.head(0);
    const failed = writer
      .submitBulk({ caller: operator, key: "bulk", mode: "each", items, print: "x" })
      .catch(async (error: unknown) => ({ error, head: await ledger.log.head(0) }));
    expect(await failed).toMatchObject({ error: { code: "log_unavailable" }, head: head + 1 });
  });
});

describe("a bulk that is resent while the first is loading", () => {
  test("ends once, and both get the same answer", async () => {
    const gate = Promise.withResolvers<void>();
    let reads = Number.POSITIVE_INFINITY;
    const ledger = await writerFixture({
      wrap: (log) => ({
        ...log,
        append: (shard, expected, events) => log.append(shard, expected, events),
        async *read(shard, from, options) {
          if (reads++ === 0) await gate.promise;
          yield* log.read(shard, from, options);
        },
      }),
    });
    const writer = await ledger.start();
    const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
    const known = payment(from, to, 5n);
    await ledger.send(writer, known, "known");
    reads = 0;
    const items = [
      bulkItem("first", payment(from, to, 7n)),
      bulkItem("known", known),
      bulkItem("last", payment(from, to, 9n)),
    ];
    const bulk = { caller: operator, key: "bulk", mode: "each", items, print: "x" } as const;
    const both = Promise.all([writer.submitBulk(bulk), writer.submitBulk(bulk)]);
    gate.resolve();
    const [first, second] = await both;
    expect(first).toMatchObject({ kind: "recorded", replayed: false });
    expect(second).toEqual({ ...first, replayed: true });
    const types = (await allEvents(ledger.log)).map((event) => event.fact.type);
    expect(types.filter((type) => type === "BulkRecorded")).toHaveLength(1);
    expect(types.filter((type) => type === "PaymentCharged")).toHaveLength(3);
  });
});

describe("an append that failed for certain", () => {
  test("is not acknowledged, leaves no trace in the state, and the shard continues when there is room", async () => {
    const fates: Fate[] = [];
    const told: { ready: boolean }[] = [];
    const { onReadiness, serving } = whenServing(told);
    const ledger = await writerFixture({ wrap: (log) => fated(log, fates), onReadiness });
    const writer = await ledger.start();
    const [from, to] = [await ledger.open(writer, "a", 0n), await ledger.open(writer, "b", -100n)];
    fates.push("no_room", "no_room");
    const failed = ledger.send(writer, payment(to, from, 60n), "k");
    await expect(failed).rejects.toMatchObject({ code: "log_unavailable" });
    expect(writer.readiness().ready).toBe(false);
    await expect(ledger.send(writer, payment(to, from, 1n))).rejects.toMatchObject({ code: "not_ready" });
    await serving;
    expect(told.map((standing) => standing.ready)).toEqual([false, false, true]);
    // The 60 of the failed attempt do not count against the limit: 100 can be paid, 1 more cannot.
    expect(eventOf(await ledger.send(writer, payment(to, from, 60n), "k")).fact.type).toBe("PaymentCharged");
    expect(eventOf(await ledger.send(writer, payment(to, from, 40n))).fact.type).toBe("PaymentCharged");
    expect(eventOf(await ledger.send(writer, payment(to, from, 1n))).fact.type).toBe("PaymentDeclined");
  });

  test("a full disk refuses, and earlier acknowledged events stay", async () => {
    const ledger = await writerFixture({ maxPages: 60 });
    const writer = await ledger.start();
    const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
    let acknowledged = 0;
    const fill = async (round: number) => {
      const items = Array.from({ length: 50 }, (_, i) => bulkItem(`r${round}-${i}`, payment(from, to, 1n)));
      await writer.submitBulk({ caller: operator, key: `bulk-${round}`, mode: "each", items, print: "x" });
      acknowledged += items.length;
    };
    const filled = (async () => {
      for (let round = 0; round < 100; round++) await fill(round);
    })();
    await expect(filled).rejects.toMatchObject({ code: "log_unavailable" });
    expect(writer.readiness().ready).toBe(false);
    const paid = (await allEvents(ledger.log)).filter((event) => event.fact.type === "PaymentCharged");
    expect(paid.length).toBe(acknowledged);
    expect(acknowledged).toBeGreaterThan(0);
  });
});

describe("a bulk in mode each of which a later append fails", () => {
  const bulkOf = (items: readonly ReturnType<typeof bulkItem>[]) =>
    ({ caller: operator, key: "bulk", mode: "each", items, print: "x" }) as const;

  test.each<[Fate, string]>([
    ["no_room", "log_unavailable"],
    ["fenced", "not_ready"],
  ])(
    "%s: its caller is told that a part may be applied, and gets all of it under the same keys",
    async (fate, code) => {
      const fates: Fate[] = [];
      const told: { ready: boolean }[] = [];
      const { onReadiness, serving } = whenServing(told);
      const ledger = await writerFixture({ wrap: (log) => fated(log, fates), onReadiness, batchBytesMax: 8192 });
      const writer = await ledger.start();
      const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
      const bulk = bulkOf(Array.from({ length: 60 }, (_, n) => bulkItem(`p${n}`, payment(from, to, 1n))));
      const charged = async () =>
        (await allEvents(ledger.log)).filter((event) => event.fact.type === "PaymentCharged").length;
      fates.push("done", fate);
      const error = await writer.submitBulk(bulk).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code, retryable: true, partlyApplied: true });
      expect(String(error)).toMatch(/may be applied: repeat it under the same keys/);
      expect(String(error)).not.toMatch(/nothing was written/);
      expect(await charged()).toBeGreaterThan(0);
      await serving;
      const answer = await writer.submitBulk(bulk);
      expect(answer).toMatchObject({ kind: "recorded", replayed: false });
      expect(await charged()).toBe(60);
    },
  );

  test("sent twice, it may be applied in part by either", async () => {
    const fates: Fate[] = [];
    const ledger = await writerFixture({ wrap: (log) => fated(log, fates), batchBytesMax: 8192 });
    const writer = await ledger.start();
    const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
    const bulk = bulkOf(Array.from({ length: 60 }, (_, n) => bulkItem(`p${n}`, payment(from, to, 1n))));
    fates.push("done", "no_room");
    const both = await Promise.allSettled([writer.submitBulk(bulk), writer.submitBulk(bulk)]);
    for (const one of both) expect(one).toMatchObject({ reason: { code: "log_unavailable", partlyApplied: true } });
  });

  test.each<Fate>(["no_room", "fenced"])(
    "%s: where it is the first, nothing was written, and that is told",
    async (fate) => {
      const fates: Fate[] = [];
      const ledger = await writerFixture({ wrap: (log) => fated(log, fates), batchBytesMax: 8192 });
      const writer = await ledger.start();
      const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
      const bulk = bulkOf(Array.from({ length: 60 }, (_, n) => bulkItem(`p${n}`, payment(from, to, 1n))));
      const head = await ledger.log.head(0);
      fates.push(fate);
      const error = await writer.submitBulk(bulk).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ partlyApplied: false });
      expect(String(error)).toMatch(/nothing was written/);
      expect((await allEvents(ledger.log)).slice(head + 1).map(({ fact }) => fact.type)).not.toContain(
        "PaymentCharged",
      );
    },
  );
});

describe("a log that is away when the writer starts", () => {
  test("is waited for, if asked: not ready until it is back", async () => {
    let away = true;
    const wrap = (log: EventLog): EventLog => ({
      ...fated(log, []),
      async head(shard) {
        if (away) throw new LedgerError("log_unavailable", "connection refused", { retryable: true });
        return log.head(shard);
      },
    });
    const ledger = await writerFixture({ wrap });
    await expect(ledger.start()).rejects.toMatchObject({ code: "log_unavailable" });
    const told: { ready: boolean }[] = [];
    const { onReadiness, serving } = whenServing(told);
    const writer = await ledger.start({ onReadiness, waitForLog: true });
    expect(writer.readiness()).toMatchObject({ ready: false, detail: expect.stringMatching(/^cannot take shard 0: /) });
    await expect(ledger.open(writer, "a", null)).rejects.toMatchObject({ code: "not_ready", retryable: true });
    away = false;
    await serving;
    await ledger.open(writer, "a", null);
    expect(writer.readiness().ready).toBe(true);
  });

  test("does not keep the writer from stopping", async () => {
    const unavailable = async () => {
      throw new LedgerError("log_unavailable", "connection refused", { retryable: true });
    };
    const ledger = await writerFixture({ wrap: (log) => ({ ...fated(log, []), head: unavailable }) });
    const writer = await ledger.start({ waitForLog: true });
    await writer.stop();
    expect(writer.readiness().ready).toBe(false);
  });
});

describe("two writers", () => {
  test("the later one fences the earlier one off, which appends nothing and takes the shard again", async () => {
    const told: { ready: boolean }[] = [];
    const { onReadiness, serving } = whenServing(told);
    const ledger = await writerFixture();
    const stale = await ledger.start({ onReadiness });
    const [from, to] = [await ledger.open(stale, "a", 0n), await ledger.open(stale, "b", -10n)];
    const fresh = await ledger.start({ stateFile: `${ledger.stateFile}.2` });
    await ledger.send(fresh, payment(to, from, 10n), "k");
    const head = await ledger.log.head(0);
    await expect(ledger.send(stale, payment(to, from, 10n), "other")).rejects.toMatchObject({ code: "not_ready" });
    await serving;
    expect(await ledger.log.head(0)).toBe(head + 1);
    // It has read the other writer's events: the limit is used up, and the key is known.
    expect(eventOf(await ledger.send(stale, payment(to, from, 10n), "other")).fact.type).toBe("PaymentDeclined");
    expect(await ledger.send(stale, payment(to, from, 10n), "k")).toMatchObject({ kind: "recorded", replayed: true });
  });
});

describe("a writer that was superseded and does not know it yet", () => {
  test("neither refuses nor answers from its old state: it notices, and takes the shard again", async () => {
    const told: { ready: boolean }[] = [];
    const { onReadiness, serving } = whenServing(told);
    const ledger = await writerFixture();
    const stale = await ledger.start({ onReadiness });
    const from = await ledger.open(stale, "a", null);
    const fresh = await ledger.start({ stateFile: `${ledger.stateFile}.2` });
    const to = await ledger.open(fresh, "b");
    const sent = payment(from, to, 1n);
    await expect(ledger.send(stale, sent, "k")).rejects.toMatchObject({ code: "not_ready" });
    await serving;
    expect(eventOf(await ledger.send(stale, sent, "k")).fact.type).toBe("PaymentCharged");
  });
});

describe("load", () => {
  test("a full queue refuses before anything is accepted", async () => {
    const ledger = await writerFixture({ queueMax: 10 });
    const writer = await ledger.start();
    const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
    const sent = await Promise.allSettled(Array.from({ length: 25 }, () => ledger.send(writer, payment(from, to, 1n))));
    expect(sent.filter((one) => one.status === "fulfilled")).toHaveLength(10);
    for (const one of sent) if (one.status === "rejected") expect(one.reason).toMatchObject({ code: "overloaded" });
    expect((await allEvents(ledger.log)).filter((event) => event.fact.type === "PaymentCharged")).toHaveLength(10);
    expect(eventOf(await ledger.send(writer, payment(from, to, 1n))).fact.type).toBe("PaymentCharged");
  });

  test("a queue is full when its commands take too much memory, however few they are", async () => {
    const ledger = await writerFixture({ queueBytesMax: 100_000 });
    const writer = await ledger.start();
    const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
    const metadata = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`k${n}`, "x".repeat(500)]));
    const large = payment(from, to, 1n, { metadata });
    const sent = await Promise.allSettled(Array.from({ length: 10 }, () => ledger.send(writer, large)));
    expect(sent.filter((one) => one.status === "fulfilled")).toHaveLength(4);
    for (const one of sent) if (one.status === "rejected") expect(one.reason).toMatchObject({ code: "overloaded" });
    // A command larger than the bound is accepted when nothing waits.
    const items = Array.from({ length: 10 }, (_, n) => bulkItem(`k${n}`, large));
    const bulk = { caller: operator, key: "bulk", mode: "each", items, print: "x" } as const;
    const both = await Promise.allSettled([writer.submitBulk(bulk), ledger.send(writer, large)]);
    expect(both.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  });

  test("bulks fill their share of the queue, and single commands are taken beside them", async () => {
    const ledger = await writerFixture({ queueMax: 20, bulkShare: 0.5 });
    const writer = await ledger.start();
    const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
    let sent = 0;
    const bulk = (size: number) => {
      const key = `bulk-${++sent}`;
      const items = Array.from({ length: size }, (_, n) => bulkItem(`${key}-${n}`, payment(from, to, 1n)));
      return writer.submitBulk({ caller: operator, key, mode: "each", items, print: key });
    };
    const bulks = [bulk(8), bulk(3), bulk(2)];
    const single = ledger.send(writer, payment(from, to, 1n));
    const outcomes = await Promise.allSettled(bulks);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(outcomes[1]).toMatchObject({ reason: { code: "overloaded" } });
    expect(eventOf(await single).fact.type).toBe("PaymentCharged");
    // A bulk alone is accepted whatever its share, and bulks are accepted one after another.
    for (const size of [15, 20]) await bulk(size);
  });

  test("a second stop also waits for the accepted commands", async () => {
    const ledger = await writerFixture();
    const writer = await ledger.start();
    const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
    let answered = false;
    const accepted = ledger.send(writer, payment(from, to, 1n)).then(() => (answered = true));
    await Promise.resolve();
    void writer.stop();
    await writer.stop();
    expect(answered).toBe(true);
    await accepted;
  });

  test("stopping answers the accepted commands", async () => {
    const ledger = await writerFixture();
    const writer: Writer = await ledger.start();
    const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
    const accepted = Array.from({ length: 100 }, () => ledger.send(writer, payment(from, to, 1n)));
    await Promise.resolve();
    await writer.stop();
    const answers = await Promise.all(accepted);
    expect(answers.map((answer) => eventOf(answer).fact.type)).toEqual(Array(100).fill("PaymentCharged"));
    await expect(ledger.send(writer, payment(from, to, 1n))).rejects.toMatchObject({ code: "not_ready" });
    expect((await allEvents(ledger.log)).filter((event) => event.fact.type === "PaymentCharged")).toHaveLength(100);
  });
});

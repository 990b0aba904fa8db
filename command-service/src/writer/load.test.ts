import { LedgerError } from "ledger-core";
import type { EventLog } from "ledger-core/event-log";
import { describe, expect, test } from "vitest";
import { bulkItem, eventOf, operator, payment, writerFixture } from "./writer.fixture.ts";

/** A log in which some revisions cannot be read, and which counts concurrent reads. */
function readable(log: EventLog) {
  const seen = { broken: new Set<number>(), underWay: 0, most: 0, reads: 0 };
  const read: EventLog["read"] = async function* (shard, from, options = {}) {
    seen.reads++;
    seen.most = Math.max(seen.most, ++seen.underWay);
    try {
      for await (const events of log.read(shard, from, options)) {
        const bad = events.find(({ revision }) => seen.broken.has(revision));
        if (bad) throw new LedgerError("log_corrupt", "its bytes do not match its leaf hash");
        yield events;
      }
    } finally {
      seen.underWay--;
    }
  };
  return { seen, log: Object.assign(Object.create(log), { read }) as EventLog };
}

async function served(options: Parameters<typeof writerFixture>[0] = {}) {
  let seen = readable({} as EventLog).seen;
  const wrap = (log: EventLog) => {
    const wrapped = readable(log);
    seen = wrapped.seen;
    return wrapped.log;
  };
  const ledger = await writerFixture({ ...options, wrap });
  const writer = await ledger.start();
  const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
  return { ...ledger, writer, from, to, seen };
}

describe("the data of a batch", () => {
  test("an event that cannot be read fails the job that needs it, and not those beside it", async () => {
    const { writer, from, to, send, seen } = await served();
    const before = [];
    for (let n = 0; n < 5; n++) before.push(eventOf(await send(writer, payment(from, to, 1n), `k${n}`)));
    seen.broken.add(before[2]?.revision ?? -1);
    const again = await Promise.allSettled(before.map((_, n) => send(writer, payment(from, to, 1n), `k${n}`)));
    expect(again.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled", "fulfilled"]);
    expect(again[2]).toMatchObject({ reason: { code: "log_corrupt", partlyApplied: false } });
    expect(again[3]).toMatchObject({ value: { event: before[3], replayed: true } });
    expect(writer.readiness().ready).toBe(true);
  });

  test("is read in a bounded number of reads at once, far apart as it may be", async () => {
    const { writer, from, to, send, seen } = await served({ loadReadsMax: 3 });
    const held = [];
    for (let n = 0; n < 12; n++) {
      held.push(eventOf(await send(writer, payment(from, to, 1n), `k${n}`)));
      const items = Array.from({ length: 20 }, (_, i) => bulkItem(`${n}.${i}`, payment(from, to, 1n)));
      await writer.submitBulk({ caller: operator, key: `b${n}`, mode: "each", items, print: "x" });
    }
    Object.assign(seen, { reads: 0, most: 0 });
    const again = await Promise.all(held.map((_, n) => send(writer, payment(from, to, 1n), `k${n}`)));
    expect(again.map(eventOf)).toEqual(held);
    expect([seen.reads, seen.most]).toEqual([12, 3]);
  });

  test("is kept up to a number of bytes for one batch; the others come with the next", async () => {
    const metadata = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`k${n}`, "x".repeat(500)]));
    const { writer, from, to, send } = await served({ loadBytesMax: 30_000, loadPortionItems: 1 });
    const command = payment(from, to, 1n, { metadata });
    const before = [];
    for (let n = 0; n < 10; n++) before.push(eventOf(await send(writer, command, `k${n}`)));
    const again = await Promise.all(before.map((_, n) => send(writer, command, `k${n}`)));
    expect(again.map(eventOf)).toEqual(before);
  });
});

describe("a decided event that is not in the log yet", () => {
  test("answers its key, is refunded, and aborts or repeats a bulk, all in the batch that decided it", async () => {
    const { writer, from, to, log, send } = await served();
    const head = await log.head(0);
    const items = [bulkItem("one", payment(from, to, 1n)), bulkItem("two", payment(from, to, 2n))];
    const bulk = { caller: operator, key: "bulk", mode: "each", items, print: "x" } as const;
    const [single, each, again, atomic] = await Promise.all([
      send(writer, payment(from, to, 1n), "one"),
      writer.submitBulk(bulk),
      writer.submitBulk(bulk),
      writer.submitBulk({ ...bulk, key: "atomic", mode: "atomic", print: "y" }),
    ]);
    const { revision } = eventOf(single);
    expect(each).toMatchObject({ replayed: false, results: [{ kind: "made", revision }, { kind: "made" }] });
    expect(again).toEqual({ ...each, replayed: true });
    expect(atomic.kind === "recorded" && each.kind === "recorded" && atomic.results).toEqual(
      each.kind === "recorded" && each.results,
    );
    // Two payments and the records of two bulks.
    expect(await log.head(0)).toBe(head + 4);
  });
});

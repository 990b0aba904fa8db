import { FaultTable } from "ledger-core";
import type { StoredEvent } from "ledger-core/event-log";
import { describe, expect, test } from "vitest";
import { renderBulk } from "../http/answers.ts";
import type { BulkAnswer, BulkItem, BulkSubmission, ItemFault } from "../writer-port.ts";
import { bulkItem, HKD, operator, payment, writerFixture } from "./writer.fixture.ts";

const EVENT_BYTES_MAX = 524_288;
const APPEND_BYTES_MAX = 921_600;
const ANSWER_BYTES_MAX = 10 * 2 ** 20;

/** Eight errors unlike those of any other item, in as many bytes as an item can cause in a body of 10,000 items. */
function distinctFault(item: number): ItemFault {
  const errors = Array.from({ length: 8 }, (_, n) => ({
    pointer: `/field-${item}-${n}${"x".repeat(20)}`,
    detail: "is not a known field",
  }));
  return { code: "invalid_request", detail: "The body does not fit this route.", errors, more: item };
}

function bulkOf(mode: "each" | "atomic", items: readonly BulkItem[], key = "bulk"): BulkSubmission {
  return { caller: operator, key, mode, items, print: key };
}

function recorded(answer: BulkAnswer) {
  if (answer.kind !== "recorded") throw new Error(JSON.stringify(answer));
  return answer;
}

/** A ledger that records its appends, each with the bytes of its events. */
async function watched(options: Parameters<typeof writerFixture>[0] = {}) {
  const appends: number[][] = [];
  const ledger = await writerFixture({
    ...options,
    wrap: (log) => ({
      ...log,
      append: (shard, expected, events) => {
        appends.push([...events].map(({ data }) => Buffer.byteLength(data)));
        return log.append(shard, expected, events);
      },
    }),
  });
  const writer = await ledger.start();
  const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
  const stored = async () => {
    const events: StoredEvent[] = [];
    for await (const batch of ledger.log.read(0, 0)) events.push(...batch);
    return events;
  };
  return { ...ledger, appends, writer, from, to, stored };
}

describe("a bulk of nothing but faults", () => {
  test("is recorded under its key and repeated byte for byte, also after a restart", async () => {
    const { writer, start, stored } = await watched();
    const items = [1, 2].map((n): BulkItem => ({ kind: "fault", fault: distinctFault(n) }));
    const first = recorded(await writer.submitBulk(bulkOf("each", items)));
    expect(first.replayed).toBe(false);
    expect((await stored()).at(-1)).toMatchObject({ type: "BulkRecorded", revision: first.position.revision });
    await writer.stop();
    const again = recorded(await (await start()).submitBulk(bulkOf("each", items)));
    expect(again).toEqual({ ...first, replayed: true });
    expect(renderBulk(again, false)).toEqual(renderBulk(first, false));
  });

  test("of 10,000 different items fits into one event and a bounded answer, all errors counted", async () => {
    const { writer, appends, start } = await watched();
    const items = Array.from({ length: 10_000 }, (_, n): BulkItem => ({ kind: "fault", fault: distinctFault(n) }));
    appends.length = 0;
    const first = recorded(await writer.submitBulk(bulkOf("each", items)));
    expect(Math.max(...appends.flat())).toBeLessThanOrEqual(EVENT_BYTES_MAX);
    const { body } = renderBulk(first, false);
    expect(Buffer.byteLength(body)).toBeLessThanOrEqual(ANSWER_BYTES_MAX);
    const results: { problem: { code: string; errors: { pointer: string; detail: string }[] } }[] =
      JSON.parse(body).results;
    expect(results).toHaveLength(10_000);
    for (const [item, { problem }] of results.entries()) {
      const listed = problem.errors.filter(({ pointer }) => pointer !== "");
      const more = Number.parseInt(problem.errors.find(({ pointer }) => pointer === "")?.detail ?? "0", 10);
      expect([problem.code, listed.length + more]).toEqual(["invalid_request", 8 + item]);
      expect([0, 8]).toContain(listed.length);
    }
    expect(results[0]?.problem.errors).toHaveLength(8);
    await writer.stop();
    const again = recorded(await (await start()).submitBulk(bulkOf("each", items)));
    expect(renderBulk(again, false).body === body).toBe(true);
  });

  test("of 10,000 absent accounts names each of them", async () => {
    const { writer, appends, to } = await watched();
    const items = Array.from({ length: 10_000 }, (_, n) => {
      const absent = `acct_7zzzzzzzzz0000${String(n).padStart(12, "0")}` as typeof to;
      return bulkItem(`k${n}`, payment(absent, to, 1n));
    });
    appends.length = 0;
    const { results } = recorded(await writer.submitBulk(bulkOf("each", items)));
    expect(Math.max(...appends.flat())).toBeLessThanOrEqual(EVENT_BYTES_MAX);
    const details = new Set(results.map((result) => (result.kind === "fault" ? result.fault.detail : "")));
    expect(details.size).toBe(10_000);
  });

  test("of which many are equal reports each in full", async () => {
    const { writer, appends } = await watched();
    const items = Array.from({ length: 9000 }, (): BulkItem => ({ kind: "fault", fault: distinctFault(3) }));
    appends.length = 0;
    const { results } = recorded(await writer.submitBulk(bulkOf("each", items)));
    for (const result of results) expect(result.kind === "fault" && result.fault.errors.length).toBe(8);
    expect(Math.max(...appends.flat())).toBeLessThan(2000);
  });
});

describe("an atomic bulk", () => {
  test.each([false, true])(
    "of more than 1,000 items is refused before anything is decided, dry run %s",
    async (dryRun) => {
      const { writer, from, to, stored } = await watched();
      const items = Array.from({ length: 1001 }, (_, n) => bulkItem(`k${n}`, payment(from, to, 1n)));
      const before = (await stored()).length;
      const bulk = bulkOf("atomic", items);
      const answer = await (dryRun ? writer.dryRunBulk(bulk) : writer.submitBulk(bulk));
      expect(answer).toMatchObject({ kind: "refused", rejection: { code: "bulk_too_large" } });
      expect(await stored()).toHaveLength(before);
      // Nothing was recorded, so a bulk that fits is accepted under the same key.
      const fewer = { ...bulkOf("atomic", items.slice(0, 1000)), print: "fewer" };
      expect(recorded(await writer.submitBulk(fewer)).results.every(({ kind }) => kind === "made")).toBe(true);
      expect(await stored()).toHaveLength(before + 1001);
    },
  );

  test.each([false, true])("whose events are more than one append is refused, dry run %s", async (dryRun) => {
    const { writer, from, to, stored, appends } = await watched();
    const metadata = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`k${n}`, "😀".repeat(120)]));
    const items = Array.from({ length: 100 }, (_, n) => bulkItem(`k${n}`, payment(from, to, 1n, { metadata })));
    const before = (await stored()).length;
    const bulk = bulkOf("atomic", items);
    const answer = await (dryRun ? writer.dryRunBulk(bulk) : writer.submitBulk(bulk));
    expect(answer).toMatchObject({ kind: "refused", rejection: { code: "bulk_too_large" } });
    expect(await stored()).toHaveLength(before);
    appends.length = 0;
    const fewer = { ...bulkOf("atomic", items.slice(0, 80)), print: "fewer" };
    expect(recorded(await writer.submitBulk(fewer)).results).toHaveLength(80);
    expect(appends.map((events) => events.length)).toEqual([81]);
  });

  test("and its record are one append of at most 900 KiB, whatever else is queued", async () => {
    const { writer, from, to, appends, send, stored } = await watched();
    const metadata = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`k${n}`, "x".repeat(500)]));
    const before = (await stored()).length;
    appends.length = 0;
    const items = (name: string) =>
      Array.from({ length: 60 }, (_, n) => bulkItem(`${name}${n}`, payment(from, to, 1n, { metadata })));
    const [first, second] = await Promise.all([
      writer.submitBulk(bulkOf("atomic", items("a"), "first")),
      writer.submitBulk(bulkOf("atomic", items("b"), "second")),
      writer.submitBulk(bulkOf("each", items("c"), "third")),
      ...Array.from({ length: 30 }, (_, n) => send(writer, payment(from, to, 1n, { metadata }), `single${n}`)),
    ]);
    for (const events of appends) expect(events.reduce((sum, size) => sum + size, 0)).toBeLessThan(APPEND_BYTES_MAX);
    const appendOf = appends.flatMap((events, nth) => events.map(() => nth));
    for (const answer of [first, second]) {
      const { results, position } = recorded(answer);
      const revisions = results.flatMap((result) => (result.kind === "made" ? [result.revision] : []));
      expect(revisions).toHaveLength(60);
      const inOne = new Set([...revisions, position.revision].map((revision) => appendOf[revision - before]));
      expect([...inOne]).toEqual([expect.any(Number)]);
    }
    expect(appends.length).toBeGreaterThan(1);
  });

  test("every faulty item carries its own problem, the others 424", async () => {
    const { writer, from, to } = await watched();
    const items: BulkItem[] = [
      bulkItem("k0", payment(from, to, 1n)),
      { kind: "fault", fault: distinctFault(1) },
      bulkItem("bulk", payment(from, to, 1n)),
      { kind: "fault", fault: { code: "forbidden", detail: "no", errors: [] } },
      bulkItem("k0", payment(from, to, 1n)),
    ];
    const { results } = recorded(await writer.submitBulk(bulkOf("atomic", items)));
    expect(results.map((result) => result.kind === "fault" && result.fault.code)).toEqual([
      ...["bulk_aborted", "invalid_request", "idempotency_key_reused", "forbidden", "idempotency_key_reused"],
    ]);
  });
});

test("a command whose event would be too large is refused, and nothing of it is written", async () => {
  const { writer, from, to, send, stored } = await watched({ eventBytesMax: 4096 });
  const before = (await stored()).length;
  const metadata = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`k${n}`, "x".repeat(500)]));
  const large = payment(from, to, 1n, { metadata });
  expect(await send(writer, large, "k")).toMatchObject({ kind: "refused", rejection: { code: "invalid_request" } });
  const topUp = { type: "TopUpAccount", account: to, amount: 1n, currency: HKD, rail: "fps" } as const;
  const externalId = "x".repeat(5000);
  expect(await send(writer, { ...topUp, externalId }, "k")).toMatchObject({ kind: "refused" });
  expect(await stored()).toHaveLength(before);
  // The next top-up opens the clearing account that the refused one would have opened.
  await send(writer, { ...topUp, externalId: null }, "k");
  expect((await stored()).slice(before).map(({ type }) => type)).toEqual(["AccountOpened", "TopUpSettled"]);
});

describe("a stored answer of a bulk", () => {
  const forbidden: BulkItem = { kind: "fault", fault: { code: "forbidden", detail: "not yours", errors: [] } };

  test("is kept from a caller whose role may not send each of its items", async () => {
    const { writer, from, to } = await watched();
    const items = [bulkItem("k0", payment(from, to, 1n)), bulkItem("k1", payment(from, to, 2n))];
    const first = recorded(await writer.submitBulk(bulkOf("each", items)));
    const other = { ...bulkOf("each", [items[0] ?? forbidden, forbidden]) };
    expect(await writer.submitBulk(other)).toEqual({ kind: "forbidden" });
    expect(await writer.dryRunBulk(other)).toEqual({ kind: "forbidden" });
    expect(await writer.submitBulk(bulkOf("each", items))).toEqual({ ...first, replayed: true });
  });

  test("is repeated to the caller that was refused some of its items, as it was", async () => {
    const { writer, from, to } = await watched();
    const bulk = bulkOf("each", [bulkItem("k0", payment(from, to, 1n)), forbidden]);
    const first = recorded(await writer.submitBulk(bulk));
    expect(await writer.submitBulk(bulk)).toEqual({ ...first, replayed: true });
    expect(await writer.dryRunBulk(bulk)).toEqual({ ...first, replayed: true });
  });
});

test("a table of faults knows its size, and accepts no fault without room for it", () => {
  const table = new FaultTable();
  for (let n = 0; n < 50; n++) table.add(distinctFault(n % 40));
  expect(table.faults).toHaveLength(40);
  const { texts, pointers, faults } = table;
  const bytes = Buffer.byteLength(JSON.stringify(texts) + JSON.stringify(pointers) + JSON.stringify(faults));
  expect(Math.abs(table.bytes - bytes)).toBeLessThanOrEqual(3);
  const before = JSON.stringify([texts, pointers, faults]);
  expect(table.add(distinctFault(99), 100)).toBeUndefined();
  expect(JSON.stringify([texts, pointers, faults])).toBe(before);
});

import { declinedOf, idBody, makeId } from "ledger-core";
import type { EventLog } from "ledger-core/event-log";
import { describe, expect, test } from "vitest";
import type { BulkAnswer } from "../writer-port.ts";
import { allEvents, bulkItem, eventOf, HKD, operator, payment, writerFixture } from "./writer.fixture.ts";
import { type WriterSeams, writerSeams } from "./writer-seams.ts";

describe("bulk", () => {
  test("each: one of nothing but repeats keeps its key as well", async () => {
    const ledger = await writerFixture();
    const writer = await ledger.start();
    const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
    await ledger.send(writer, payment(from, to, 1n), "p");
    const bulk = {
      caller: operator,
      key: "b",
      mode: "each",
      items: [bulkItem("p", payment(from, to, 1n))],
      print: "x",
    } as const;
    const first = await writer.submitBulk(bulk);
    expect(first).toMatchObject({ kind: "recorded", replayed: false, results: [{ kind: "made" }] });
    expect(await writer.submitBulk(bulk)).toEqual({ ...first, replayed: true });
    expect(await writer.submitBulk({ ...bulk, print: "y" })).toMatchObject({
      kind: "refused",
      rejection: { code: "idempotency_key_reused" },
    });
    expect((await allEvents(ledger.log)).filter((event) => event.fact.type === "PaymentCharged")).toHaveLength(1);
  });

  test("each: a faulty item is only its own problem, and a repeat gets the same results", async () => {
    const ledger = await writerFixture({ batchBytesMax: 2000 });
    const writer = await ledger.start();
    const [from, to] = [await ledger.open(writer, "a", 0n), await ledger.open(writer, "b")];
    const topUp = {
      type: "TopUpAccount",
      account: from,
      amount: 30n,
      currency: HKD,
      rail: "fps",
      externalId: null,
    } as const;
    const fault = { kind: "fault", fault: { code: "invalid_request", detail: "no", errors: [] } } as const;
    const pays = Array.from({ length: 40 }, (_, i) => bulkItem(`p${i}`, payment(from, to, 1n)));
    const bulk = {
      caller: operator,
      key: "b",
      mode: "each",
      items: [bulkItem("t", topUp), fault, ...pays],
      print: "x",
    } as const;
    const first = await writer.submitBulk(bulk);
    if (first.kind !== "recorded") throw new Error("refused");
    expect(first.results[1]).toEqual(fault);
    expect(first.results.filter((r) => r.kind === "made" && r.id.startsWith("pay_"))).toHaveLength(30);
    expect(first.results.filter((r) => r.kind === "declined" && r.event.fact.type === "PaymentDeclined")).toHaveLength(
      10,
    );
    const head = await ledger.log.head(0);
    await writer.stop();
    const again = await (await ledger.start()).submitBulk(bulk);
    expect(again).toEqual({ ...first, replayed: true });
    expect(await ledger.log.head(0)).toBe(head + 1);
  });

  test("atomic: one refusal and nothing is applied", async () => {
    const ledger = await writerFixture();
    const writer = await ledger.start();
    const [from, to] = [await ledger.open(writer, "a", 0n), await ledger.open(writer, "b")];
    const topUp = {
      type: "TopUpAccount",
      account: from,
      amount: 3n,
      currency: HKD,
      rail: "fps",
      externalId: null,
    } as const;
    const items = [bulkItem("t", topUp), ...[1, 2, 3, 4].map((i) => bulkItem(`p${i}`, payment(from, to, 1n)))];
    const bulk = { caller: operator, key: "b", mode: "atomic", items, print: "x" } as const;
    const answer = await writer.submitBulk(bulk);
    const codes = (answer.kind === "recorded" ? answer.results : []).map((r) =>
      r.kind === "fault" ? r.fault.code : "",
    );
    expect(codes).toEqual(["bulk_aborted", "bulk_aborted", "bulk_aborted", "bulk_aborted", "insufficient_funds"]);
    const moved = (await allEvents(ledger.log)).filter((event) => "postings" in event.fact);
    expect(moved).toEqual([]);
    expect(await writer.submitBulk(bulk)).toEqual({ ...answer, replayed: true });
    const fewer = { ...bulk, key: "b2", items: items.slice(0, 4), print: "y" };
    const applied = await writer.submitBulk(fewer);
    expect(applied).toMatchObject({ kind: "recorded", replayed: false });
    expect((await allEvents(ledger.log)).filter((event) => "postings" in event.fact)).toHaveLength(4);
  });

  test("a dry run decides each item on top of those before it, also when something has to be loaded", async () => {
    const ledger = await writerFixture({ batchBytesMax: 1_000 });
    const writer = await ledger.start();
    const [from, to] = [await ledger.open(writer, "a", -100n), await ledger.open(writer, "b")];
    const known = payment(from, to, 10n);
    await ledger.send(writer, known, "known");
    const items = [
      bulkItem("p1", payment(from, to, 60n)),
      bulkItem("known", known),
      ...[1, 2, 3].map((n) => bulkItem(`q${n}`, payment(from, to, 20n))),
    ];
    const bulk = { caller: operator, key: "b", mode: "each", items, print: "x" } as const;
    const kinds = (answer: BulkAnswer) => (answer.kind === "recorded" ? answer.results : []).map((r) => r.kind);
    const expected = ["made", "made", "made", "declined", "declined"];
    expect(kinds(await writer.dryRunBulk(bulk))).toEqual(expected);
    expect(kinds(await writer.submitBulk(bulk))).toEqual(expected);
  });

  test("several large dry runs are decided one per turn, and later commands are answered", async () => {
    let decisions = 0;
    const atHead: number[] = [];
    const decide: WriterSeams["decide"] = (...given) => {
      decisions++;
      return writerSeams.decide(...given);
    };
    const wrap = (log: EventLog): EventLog => ({
      ...log,
      head: (shard) => {
        atHead.push(decisions);
        return log.head(shard);
      },
    });
    const ledger = await writerFixture({
      seams: { ...writerSeams, decide },
      wrap,
      triedMax: 20,
      pipelineThreshold: 1_000,
    });
    const writer = await ledger.start();
    const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
    const items = Array.from({ length: 30 }, (_, n) => bulkItem(`p${n}`, payment(from, to, 1n)));
    const dryRun = (key: string) => writer.dryRunBulk({ caller: operator, key, mode: "each", items, print: "x" });
    decisions = 0;
    atHead.length = 0;
    const answers = await Promise.all([dryRun("b1"), dryRun("b2"), ledger.send(writer, payment(from, to, 1n), "last")]);
    expect(answers.map(({ kind }) => kind)).toEqual(["recorded", "recorded", "recorded"]);
    // If nothing is appended, the log's head is checked before the answer leaves: after each of the two.
    expect(atHead).toEqual([30, 60]);
  });

  test("a duplicate key: each replays it, atomic refuses it", async () => {
    const ledger = await writerFixture();
    const writer = await ledger.start();
    const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
    const items = [
      bulkItem("k", payment(from, to, 1n)),
      bulkItem("k", payment(from, to, 1n)),
      bulkItem("k", payment(from, to, 2n)),
    ];
    const each = await writer.submitBulk({ caller: operator, key: "b", mode: "each", items, print: "x" });
    const results = each.kind === "recorded" ? each.results : [];
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toMatchObject({ kind: "fault", fault: { code: "idempotency_key_reused" } });
    const twice = [bulkItem("n", payment(from, to, 1n)), bulkItem("n", payment(from, to, 1n))];
    const atomic = await writer.submitBulk({ caller: operator, key: "c", mode: "atomic", items: twice, print: "y" });
    expect(atomic).toMatchObject({
      results: [{ fault: { code: "bulk_aborted" } }, { fault: { code: "idempotency_key_reused" } }],
    });
  });

  test.each(["each", "atomic"] as const)(
    "a dry run with a key that stands twice is answered as the bulk itself: %s",
    async (mode) => {
      const ledger = await writerFixture();
      const writer = await ledger.start();
      const [from, to] = [await ledger.open(writer, "a", -10n), await ledger.open(writer, "b")];
      const items = [
        ...[bulkItem("k", payment(from, to, 1n)), bulkItem("d", payment(from, to, 100n))],
        ...[bulkItem("k", payment(from, to, 1n)), bulkItem("k", payment(from, to, 2n))],
        ...[bulkItem("d", payment(from, to, 100n)), bulkItem("d", payment(to, from, 1n))],
      ];
      const bulk = { caller: operator, key: "b", mode, items, print: "x" };
      const tried = outline(await writer.dryRunBulk(bulk));
      expect(outline(await writer.dryRunBulk(bulk))).toEqual(tried);
      expect(tried).toEqual(outline(await writer.submitBulk(bulk)));
    },
  );

  test.each([
    ["atomic", false],
    ["atomic", true],
    ["each", true],
  ] as const)(
    "however many keys were used before, an item is decided once or twice: %s, dry run %s",
    async (mode, dryRun) => {
      let decisions = 0;
      const decide: WriterSeams["decide"] = (...given) => {
        decisions++;
        return writerSeams.decide(...given);
      };
      const ledger = await writerFixture({ seams: { ...writerSeams, decide } });
      const writer = await ledger.start();
      const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
      const items = (name: string) =>
        Array.from({ length: 40 }, (_, n) => bulkItem(`${name}${n}`, payment(from, to, 1n)));
      const before = { caller: operator, key: "b1", mode: "each", items: items("used"), print: "x" } as const;
      const first = await writer.submitBulk(before);
      decisions = 0;
      const bulk = { caller: operator, key: "b2", mode, items: [...items("new"), ...before.items], print: "y" };
      const answer = await (dryRun ? writer.dryRunBulk(bulk) : writer.submitBulk(bulk));
      expect(decisions).toBeLessThanOrEqual(80);
      expect(answer.kind === "recorded" && answer.results.slice(40)).toEqual(
        first.kind === "recorded" && first.results,
      );
    },
  );

  test("atomic: an aborted one repeats the earlier answers of its items, with one read of the log", async () => {
    let reads = 0;
    const wrap = (log: EventLog): EventLog =>
      Object.assign(Object.create(log), {
        read: (...given: Parameters<EventLog["read"]>) => {
          reads++;
          return log.read(...given);
        },
      });
    const ledger = await writerFixture({ wrap });
    const writer = await ledger.start();
    const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
    const used = [1n, 2n, 3n].map((amount) => bulkItem(`used${amount}`, payment(from, to, amount)));
    for (const item of used) if (item.kind === "command") await ledger.send(writer, item.command, item.key);
    await ledger.send(writer, payment(to, to, 1n), "refused");
    const fault = { kind: "fault", fault: { code: "invalid_request", detail: "no", errors: [] } } as const;
    const items = [
      ...used,
      bulkItem("new", payment(from, to, 1n)),
      fault,
      bulkItem("refused", payment(to, to, 1n)),
      bulkItem("used1", payment(from, to, 9n)),
    ];
    const bulk = { caller: operator, key: "b", mode: "atomic", items, print: "x" } as const;
    reads = 0;
    const answer = await writer.submitBulk(bulk);
    expect(outline(answer)).toEqual([
      ...["made 0", "made 1", "made 2", "bulk_aborted", "invalid_request", "same_account", "idempotency_key_reused"],
    ]);
    expect(reads).toBe(1);
    expect(await writer.submitBulk(bulk)).toEqual({ ...answer, replayed: true });
    expect((await allEvents(ledger.log)).filter((event) => event.fact.type === "PaymentCharged")).toHaveLength(3);
  });

  test.each([
    ["atomic", false],
    ["atomic", true],
    ["each", true],
  ] as const)(
    "a payment that only the bulk itself could make is not waited for: %s, dry run %s",
    async (mode, dryRun) => {
      const ledger = await writerFixture();
      const writer = await ledger.start();
      const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
      const made = eventOf(await ledger.send(writer, payment(from, to, 1n), "before"));
      const next = { shard: made.shard, revision: made.revision + 1 };
      const guessed = makeId("pay", idBody(made.at, next, 7));
      const items = [bulkItem("p", payment(from, to, 1n)), bulkItem("v", { type: "VoidPayment", payment: guessed })];
      const bulk = { caller: operator, key: "b", mode, items, print: "x" };
      const answer = await (dryRun ? writer.dryRunBulk(bulk) : writer.submitBulk(bulk));
      expect(outline(answer).at(-1)).toBe("payment_not_found");
    },
  );
});

/** The outcome of each item, without the parts that differ between runs; equal numbers mark equal answers. */
function outline(answer: BulkAnswer): string[] {
  const results = answer.kind === "recorded" ? answer.results : [];
  return results.map((result) => {
    if (result.kind === "made")
      return `made ${results.findIndex((one) => one.kind === "made" && one.id === result.id)}`;
    if (result.kind === "fault") return result.fault.code;
    return declinedOf(result.event.fact)?.code ?? result.event.fact.type;
  });
}

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { assert } from "../domain/errors.ts";
import { type AccountId, type EventId, idBody, makeId, type PaymentId, rebrand } from "../domain/ids.ts";
import { NO_REVISION } from "../domain/position.ts";
import { type EdgeChange, EVIDENCE_MAX, FAN_OUT_MAX, type PaymentGraph } from "../ports/payment-graph.ts";
import type { ProjectionTarget } from "../ports/projection.ts";
import { accountId, SECOND_US, START, TENANT } from "./examples.ts";
import { projectionTargetSuite } from "./projection-suite.ts";

/** A payment graph as queries read it, and the target through which the projection writes it. */
export type WrittenPaymentGraph = { readonly graph: PaymentGraph; readonly target: ProjectionTarget<EdgeChange> };

/** An empty payment graph under test. */
export type PaymentGraphUnderTest = WrittenPaymentGraph & {
  reopen(): Promise<WrittenPaymentGraph>;
  dispose(): Promise<void>;
};

const payer = (n: number): AccountId => accountId(1000 + n);
const shop = (n: number): AccountId => accountId(5000 + n);
const eventAt = (revision: number): EventId =>
  makeId("evt", idBody(START + (revision * SECOND_US) / 10, { shard: 0, revision }, 3));
/** Payments are events 10, 20, 30 and so on: there is room between them. */
const eventId = (n: number): EventId => eventAt(10 * n);
const paymentId = (n: number): PaymentId => rebrand("pay", eventId(n));

type Paid = Extract<EdgeChange, { kind: "paid" }>;

/** The nth payment, from one account to a shop. */
function paid(n: number, from: AccountId, merchant: AccountId, tenant = TENANT): Paid {
  return { kind: "paid", tenant, payment: paymentId(n), payer: from, merchant, event: eventId(n) };
}

/** The full refund of the nth payment, after the `after`th and before the next. */
function retracted(n: number, from: AccountId, merchant: AccountId, after = n): EdgeChange {
  return { kind: "retracted", payment: paymentId(n), payer: from, merchant, event: eventAt(10 * after + 5) };
}

/**
 * The contract of a payment graph; every adapter passes it: `paymentGraphSuite("SQLite", open)`.
 * @param refusesRepeats whether an edge that was added cannot be added again; otherwise a repeat has no effect
 */
export function paymentGraphSuite(
  name: string,
  open: () => Promise<PaymentGraphUnderTest>,
  refusesRepeats: boolean,
): void {
  targetSuite(name, open, refusesRepeats);
  describe(`payment graph, ${name}`, () => {
    let current: PaymentGraphUnderTest | undefined;
    beforeEach(async () => {
      current = await open();
    });
    afterEach(async () => {
      await current?.dispose();
    });
    async function given(...changes: readonly EdgeChange[]): Promise<PaymentGraph> {
      assert(current, "the graph is opened before each test");
      await current.target.apply(0, NO_REVISION, 0, changes);
      return current.graph;
    }
    const apply = async (revision: number, changes: readonly EdgeChange[]) =>
      current?.target.apply(0, revision - 1, revision, changes);
    const recommended = async (graph: PaymentGraph, to: AccountId, limit = 10) =>
      (await graph.recommend(TENANT, to, limit)).recommendations;

    test("nothing is recommended to a payer who paid nobody, or only a merchant without other payers", async () => {
      const graph = await given(paid(1, payer(1), shop(1)));
      expect(await recommended(graph, payer(9))).toEqual([]);
      expect(await recommended(graph, payer(1))).toEqual([]);
    });

    test("only open merchants are recommended, however many others there are", async () => {
      const standing = (n: number, isOpen: boolean): EdgeChange => ({
        kind: "standing",
        merchant: shop(n),
        open: isOpen,
        event: eventAt((isOpen ? 20_000 : 10_000) + n),
      });
      const shops = Array.from({ length: 30 }, (_, n) => n + 2);
      const graph = await given(
        paid(1, payer(1), shop(1)),
        paid(2, payer(2), shop(1)),
        ...shops.map((n) => paid(n + 10, payer(2), shop(n))),
        ...shops.slice(0, 28).map((n) => standing(n, false)),
        standing(shops[0] ?? 2, true),
        standing(1, false),
      );
      const merchants = (await recommended(graph, payer(1), 2)).map(({ merchant }) => merchant);
      expect(merchants).toEqual([shop(2), shop(30)]);
      expect((await recommended(graph, payer(1), 50)).length).toBe(3);
    });

    test("merchants of payers who share a merchant are recommended, with the events as evidence", async () => {
      const graph = await given(paid(1, payer(1), shop(1)), paid(2, payer(2), shop(1)), paid(3, payer(2), shop(2)));
      expect(await recommended(graph, payer(1))).toEqual([{ merchant: shop(2), score: 1, events: [eventId(3)] }]);
      expect((await graph.recommend(TENANT, payer(1), 10)).positions).toEqual([{ shard: 0, revision: 0 }]);
      expect(await graph.positions()).toEqual([{ shard: 0, revision: 0 }]);
    });

    test("the score counts distinct payers; best first, then by merchant; up to the limit", async () => {
      const graph = await given(
        ...[paid(1, payer(1), shop(1)), paid(2, payer(2), shop(1)), paid(3, payer(3), shop(1))],
        ...[paid(4, payer(2), shop(4)), paid(5, payer(2), shop(4)), paid(6, payer(2), shop(4))],
        ...[paid(7, payer(2), shop(3)), paid(8, payer(3), shop(3)), paid(9, payer(3), shop(2))],
      );
      const all = [
        { merchant: shop(3), score: 2, events: [eventId(8), eventId(7)] },
        { merchant: shop(2), score: 1, events: [eventId(9)] },
        { merchant: shop(4), score: 1, events: [eventId(6)] },
      ];
      expect(await recommended(graph, payer(1))).toEqual(all);
      expect(await recommended(graph, payer(1), 2)).toEqual(all.slice(0, 2));
    });

    test("a merchant that was paid, or is the account itself, is not recommended", async () => {
      const graph = await given(
        ...[paid(1, payer(1), shop(1)), paid(2, payer(2), shop(1)), paid(3, payer(2), shop(2))],
        ...[paid(4, payer(1), shop(2)), paid(5, payer(2), payer(1))],
      );
      expect(await recommended(graph, payer(1))).toEqual([]);
    });

    test("tells which of many merchants were paid; what was refunded in full does not count", async () => {
      const shops = Array.from({ length: 70 }, (_, n) => shop(n));
      const kept = shops.filter((_, n) => n % 3 === 0);
      const graph = await given(
        ...kept.map((merchant, n) => paid(n + 1, payer(1), merchant)),
        ...[paid(90, payer(1), shop(1)), paid(91, payer(2), shop(2)), paid(92, payer(1), shop(0))],
      );
      await apply(1, [retracted(90, payer(1), shop(1)), retracted(92, payer(1), shop(0))]);
      expect([...(await graph.paidAmong(payer(1), shops))].sort()).toEqual(kept);
      expect([...(await graph.paidAmong(payer(1), [shop(1), shop(3)]))]).toEqual([shop(3)]);
      expect([...(await graph.paidAmong(payer(9), shops))]).toEqual([]);
      expect([...(await graph.paidAmong(payer(1), []))]).toEqual([]);
    });

    test("a retraction removes its payment's edge and no other", async () => {
      const graph = await given(
        ...[paid(1, payer(1), shop(1)), paid(2, payer(2), shop(1))],
        ...[paid(3, payer(2), shop(2)), paid(4, payer(2), shop(2))],
      );
      await apply(1, [retracted(4, payer(2), shop(2))]);
      expect(await recommended(graph, payer(1))).toEqual([{ merchant: shop(2), score: 1, events: [eventId(3)] }]);
      await apply(2, [retracted(3, payer(2), shop(2))]);
      expect(await recommended(graph, payer(1))).toEqual([]);
      await apply(3, [paid(5, payer(2), shop(3)), retracted(1, payer(1), shop(1))]);
      expect(await recommended(graph, payer(1))).toEqual([]);
    });

    test("retracting a missing edge changes nothing; a payment captured again has its edge again", async () => {
      const graph = await given(paid(1, payer(1), shop(1)), paid(2, payer(2), shop(1)), paid(3, payer(2), shop(2)));
      await apply(1, [retracted(99, payer(2), shop(2)), ...[3, 3].map((n) => retracted(n, payer(2), shop(2)))]);
      expect(await recommended(graph, payer(1))).toEqual([]);
      await apply(2, [{ ...paid(4, payer(2), shop(2)), payment: paymentId(3) }]);
      expect(await recommended(graph, payer(1))).toEqual([{ merchant: shop(2), score: 1, events: [eventId(4)] }]);
    });

    test("within one batch, an edge made and retracted is gone, one retracted and recaptured is there", async () => {
      const graph = await given(paid(1, payer(1), shop(1)), paid(2, payer(2), shop(1)), paid(3, payer(2), shop(2)));
      await apply(1, [retracted(3, payer(2), shop(2)), { ...paid(4, payer(2), shop(2)), payment: paymentId(3) }]);
      expect(await recommended(graph, payer(1))).toEqual([{ merchant: shop(2), score: 1, events: [eventId(4)] }]);
      await apply(2, [retracted(3, payer(2), shop(2), 4), paid(5, payer(2), shop(3)), retracted(5, payer(2), shop(3))]);
      expect(await recommended(graph, payer(1))).toEqual([]);
    });

    test("another tenant sees nothing", async () => {
      const graph = await given(paid(1, payer(1), shop(1)), paid(2, payer(2), shop(1)), paid(3, payer(2), shop(2)));
      expect((await graph.recommend("tenant-b", payer(1), 10)).recommendations).toEqual([]);
    });

    test("for a merchant that everybody pays, only the newest payers count, and the evidence is bounded", async () => {
      const crowd = Array.from({ length: FAN_OUT_MAX + 50 }, (_, n) => n + 1);
      const graph = await given(
        ...crowd.flatMap((n) => [paid(2 * n, payer(n), shop(1)), paid(2 * n + 1, payer(n), shop(n <= 50 ? 2 : 3))]),
        paid(9999, payer(0), shop(1)),
      );
      const [only, ...others] = await recommended(graph, payer(0));
      expect(others).toEqual([]);
      expect(only).toMatchObject({ merchant: shop(3) });
      expect(only?.score).toBeLessThanOrEqual(FAN_OUT_MAX);
      expect(only?.score).toBeGreaterThanOrEqual(FAN_OUT_MAX - 1);
      const newest = crowd.slice(-EVIDENCE_MAX).map((n) => eventId(2 * n + 1));
      expect(only?.events).toEqual(newest.reverse());
    });
  });
}

function targetSuite(name: string, open: () => Promise<PaymentGraphUnderTest>, refusesRepeats: boolean): void {
  // Payer 0 pays only the first shop, so every other edge is a recommendation.
  const events = Array.from({ length: 30 }, (_, n): EdgeChange[] => {
    if (n === 0) return [paid(0, payer(0), shop(0)), paid(1000, payer(1), shop(0)), paid(1001, payer(2), shop(0))];
    return n % 5 === 0
      ? [retracted(n - 3, payer(1 + ((n - 3) % 2)), shop(n - 2), n)]
      : [paid(n, payer(1 + (n % 2)), shop(1 + n))];
  });
  const twice = events[0]?.[0];
  assert(twice, "the first event has an edge");
  projectionTargetSuite(`payment graph, ${name}`, { events, poison: refusesRepeats ? twice : null }, async () => {
    const { graph, target, reopen, dispose } = await open();
    let latest = graph;
    return {
      target,
      contents: async () => (await latest.recommend(TENANT, payer(0), 100)).recommendations,
      reopen: async () => {
        const again = await reopen();
        latest = again.graph;
        return again.target;
      },
      dispose,
    };
  });
}

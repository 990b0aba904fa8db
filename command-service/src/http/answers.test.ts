import fc from "fast-check";
import { AMOUNT_MAX, declinedOf, type Fact, type FactType, idBody, type LedgerEvent, makeId } from "ledger-core";
import { compileCheck } from "ledger-core/http";
import {
  accountSchema,
  paymentSchema,
  payoutSchema,
  problemSchema,
  refundSchema,
  topUpSchema,
  transferSchema,
} from "ledger-core/http/schemas";
import { examples, factsByType } from "ledger-core/testing";
import { describe, expect, test } from "vitest";
import { itemAnswer } from "../writer/item-answer.ts";
import { renderAnswer, renderBulk } from "./answers.ts";

const facts: Readonly<Record<FactType, fc.Arbitrary<Fact>>> = factsByType;

function eventOf(fact: Fact, revision = 7): LedgerEvent {
  const id = makeId("evt", idBody(examples.START, { shard: 2, revision }, 9));
  const origin = { tenant: "t", sub: "s", key: "k", print: "0000000000000000" };
  return { id, at: examples.START, shard: 2, revision, origin, fact };
}

const answering = [
  ["AccountOpened", 201, accountSchema],
  ["AccountFrozen", 200, accountSchema],
  ["AccountUnfrozen", 200, accountSchema],
  ["AccountClosed", 200, accountSchema],
  ["TransferPosted", 201, transferSchema],
  ["TopUpSettled", 201, topUpSchema],
  ["PayoutSettled", 201, payoutSchema],
  ["PaymentCharged", 201, paymentSchema],
  ["PaymentAuthorized", 201, paymentSchema],
  ["PaymentCaptured", 200, paymentSchema],
  ["PaymentVoided", 200, paymentSchema],
  ["PaymentRefunded", 201, refundSchema],
] as const;

describe("an answer made from its event", () => {
  test.each(answering)("%s is %i and fits the reference", (type, status, schema) => {
    const check = compileCheck(schema);
    fc.assert(
      fc.property(facts[type].filter(isKeepable), (fact) => {
        const answer = renderAnswer(eventOf(fact));
        expect(answer).toMatchObject({ status, problem: false });
        expect(check(JSON.parse(answer.body))).toBeUndefined();
        expect(renderAnswer(eventOf(fact))).toEqual(answer);
      }),
    );
  });

  test.each([
    "AccountChangeDeclined",
    "TransferDeclined",
    "TopUpDeclined",
    "PayoutDeclined",
    "PaymentDeclined",
    "CaptureDeclined",
    "VoidDeclined",
    "RefundDeclined",
  ] as const)("%s is a problem that names its event, the same each time", (type) => {
    const check = compileCheck(problemSchema);
    fc.assert(
      fc.property(facts[type], (fact) => {
        const event = eventOf(fact);
        const answer = renderAnswer(event);
        expect(answer).toMatchObject({ problem: true });
        const body: unknown = JSON.parse(answer.body);
        expect(check(body)).toBeUndefined();
        expect(body).toMatchObject({
          status: answer.status,
          code: declinedOf(fact)?.code,
          instance: `urn:payledger:${event.id}`,
        });
        expect(renderAnswer(event)).toEqual(answer);
      }),
    );
  });

  test.each(["WriterEpochStarted", "PaymentExpired", "BulkRecorded"] as const)(
    "%s answers no single command",
    (type) => {
      const [fact] = fc.sample(facts[type], 1);
      expect(() => renderAnswer(eventOf(fact ?? examples.opened(examples.account(1, "wallet", "a"))))).toThrow(type);
    },
  );
});

/** Balances that the deciders allow; the available amount fits into 18 digits too. */
function isKeepable(fact: Fact): boolean {
  if (!("account" in fact) || typeof fact.account === "string") return true;
  const { posted, held } = fact.account.balances;
  return posted - held >= -AMOUNT_MAX;
}

describe("the answer to a bulk", () => {
  const [charge, declined] = [fc.sample(factsByType.PaymentCharged, 1)[0], fc.sample(factsByType.TopUpDeclined, 1)[0]];
  if (!charge || !declined) throw new Error("samples are there");
  const fault = { code: "invalid_request", detail: 'a "quoted" fault', errors: [{ pointer: "/amount", detail: "x" }] };
  const answer = {
    kind: "recorded",
    replayed: false,
    position: { shard: 2, revision: 9 },
    results: [itemAnswer(eventOf(charge, 8)), itemAnswer(eventOf(declined, 9)), { kind: "fault", fault }],
  } as const;

  test("has a result for each item, in order", () => {
    const { status, body } = renderBulk(answer, false);
    expect(status).toBe(200);
    expect(JSON.parse(body)).toEqual({
      results: [
        { status: 201, id: charge.payment.id, position: "2:8" },
        { status: expect.any(Number), position: "2:9", problem: expect.objectContaining({ code: declined.code }) },
        { status: 422, problem: expect.objectContaining({ ...fault, instance: "urn:payledger:item:2" }) },
      ],
    });
  });

  test("has no positions when it is a dry run's", () => {
    const results: object[] = JSON.parse(renderBulk(answer, true).body).results;
    for (const result of results) expect(result).not.toHaveProperty("position");
  });
});

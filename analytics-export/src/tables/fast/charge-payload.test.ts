import { randomInt } from "node:crypto";
import fc from "fast-check";
import type { Fact } from "ledger-core";
import { anyFact, randomHistory } from "ledger-core/testing";
import { expect, test } from "vitest";
import { names } from "../../testing/folder.ts";
import { payloadOf } from "../payload.ts";
import { chargePayload } from "./charge-payload.ts";

const seed = Number(process.env.LEDGER_SEED ?? randomInt(2 ** 31));

function isSame(fact: Fact): boolean {
  if (fact.type !== "PaymentCharged") return false;
  expect(chargePayload(fact, names)).toBe(JSON.stringify(payloadOf(fact, names)));
  return true;
}

test(`charges of a history have the same payload in both lanes, seed ${seed}`, () => {
  const charges = randomHistory(seed, 600).filter(({ fact }) => isSame(fact));
  expect(charges.length).toBeGreaterThan(10);
});

test("so has any charge, whatever is in its texts", () => {
  const anyCharge = anyFact.filter(({ type }) => type === "PaymentCharged");
  const anyText = fc.string({ unit: "grapheme", maxLength: 8 });
  fc.assert(
    fc.property(anyCharge, anyText, (fact, text) => {
      if (fact.type !== "PaymentCharged") throw new Error("it is filtered");
      const payment = { ...fact.payment, currency: text as typeof fact.payment.currency };
      const postings = fact.postings.map((posting) => ({ ...posting, date: text as typeof posting.date }));
      expect(isSame({ ...fact, payment, postings })).toBe(true);
    }),
    { numRuns: 200 },
  );
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { idBody, makeId, readId } from "../../domain/ids.ts";
import type { StoredEvent } from "../../ports/event-log.ts";
import { anyOrigin, factsByType } from "../../testing/facts.ts";
import { decodeEvent, encodeEvent } from "../codec.ts";
import { type ChargeMove, emptyChargeMove, readChargeMove } from "./charge-move.ts";
import { anyPlace, damagedCharge, EXACT, plainCharge, withText } from "./plain-charge.fixture.ts";

/** The move that the decoder makes of an event. */
function moveOf(event: StoredEvent): ChargeMove | undefined {
  const { origin, fact } = decodeEvent(event);
  if (fact.type !== "PaymentCharged") return undefined;
  const { tenant, sub, key } = origin;
  const { payer, payee, amount } = fact.payment;
  const [debit, credit] = fact.postings.map(({ balance }) => Number(balance));
  if (debit === undefined || credit === undefined) return undefined;
  const sums = { amount: Number(amount), payerBalance: debit, payeeBalance: credit, isRead: false };
  return { tenant, sub, key, payer: readId(payer), payee: readId(payee), ...sums };
}

const into = emptyChargeMove();

/** Whether the fast lane reads an event. If it does, the decoder must read exactly the same. */
function isRead(event: StoredEvent): boolean {
  if (!readChargeMove(event, into)) return false;
  expect(into).toStrictEqual(moveOf(event));
  const { fact } = decodeEvent(event);
  if (fact.type !== "PaymentCharged") return false;
  expect(fact.payment).toMatchObject({ fee: 0n, metadata: {}, status: "captured", capture: "automatic" });
  expect(fact.postings.map(({ account }) => account)).toEqual([fact.payment.payer, fact.payment.payee]);
  expect(fact.postings.map(({ amount }) => amount)).toEqual([-BigInt(into.amount), BigInt(into.amount)]);
  expect(fact.postings.map(({ balance }) => balance)).toEqual([into.payerBalance, into.payeeBalance].map(BigInt));
  return true;
}

describe("the fast lane reads", () => {
  test("plain charges, all of them as the decoder does", () => {
    fc.assert(
      fc.property(plainCharge, (event) => {
        expect(isRead(event)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test("nothing of any other charge that the decoder reads otherwise", () => {
    fc.assert(
      fc.property(anyPlace, anyOrigin, factsByType.PaymentCharged, (at, { tenant: _, ...origin }, fact) => {
        const { tenant } = fact.payment;
        const id = makeId("evt", idBody(at.at, at, at.salt));
        isRead({ ...at, id, leaf: new Uint8Array(32), ...encodeEvent({ origin: { tenant, ...origin }, fact }) });
      }),
      { numRuns: 2000 },
    );
  });

  test("nothing else of charges with a few bytes changed", () => {
    let read = 0;
    fc.assert(
      fc.property(damagedCharge, (event) => {
        if (isRead(event)) read++;
      }),
      { numRuns: 5000 },
    );
    expect(read).toBeGreaterThan(100);
  });
});

const [good] = fc.sample(plainCharge, { numRuns: 1, seed: 1 });

describe("left to the decoder is", () => {
  test.each<[string, (event: StoredEvent) => StoredEvent]>([
    ["another type", (event) => ({ ...event, type: "PaymentCaptured" })],
    ["another version", (event) => ({ ...event, version: event.version + 1 })],
    ["an amount that a number does not hold", withText(/"amount":"[^"]*"/, `"amount":"${EXACT + 1n}"`)],
    ["an account with a character of no id", withText(/"payer":"acct_./, '"payer":"acct_u')],
    ["an account of no known type", withText(/"payeeType":"[^"]*"/, '"payeeType":"nobody"')],
    ["a longer text", (event) => ({ ...event, data: Buffer.concat([event.data, Buffer.from(" ")]) })],
    ["a shorter text", (event) => ({ ...event, data: event.data.subarray(0, -1) })],
  ])("%s", (_name, change) => {
    if (!good) throw new Error("there is an event");
    expect(isRead(good)).toBe(true);
    expect(isRead(change(good))).toBe(false);
  });
});

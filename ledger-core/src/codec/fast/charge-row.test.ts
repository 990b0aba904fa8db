import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LedgerEvent } from "../../domain/events.ts";
import { idBody, makeId } from "../../domain/ids.ts";
import type { StoredEvent } from "../../ports/event-log.ts";
import type { ChargeRow } from "../../ports/projection.ts";
import { dayOf } from "../../sql/codes.ts";
import { numberOfId, saltOf } from "../../sql/numbers.ts";
import { anyOrigin, factsByType } from "../../testing/facts.ts";
import { decodeEvent, encodeEvent } from "../codec.ts";
import { type ChargeFields, readChargeFields } from "./charge-fields.ts";
import { readChargeRow } from "./charge-row.ts";
import { makeIdMemo } from "./plain-bytes.ts";
import { anyPlace, damagedCharge, EXACT, plainCharge, withText } from "./plain-charge.fixture.ts";

/** The row that the decoder makes of an event. */
function rowOf({ id, shard, revision, at, fact }: LedgerEvent): ChargeRow | undefined {
  if (fact.type !== "PaymentCharged") return undefined;
  const { payment, postings } = fact;
  const [debit, credit] = postings;
  if (!debit || !credit) return undefined;
  return {
    ...{ kind: "charge", id, shard, revision, at, salt: saltOf(id), tenant: payment.tenant },
    ...{ payer: numberOfId(payment.payer), payee: numberOfId(payment.payee), payeeType: payment.payeeType },
    ...{ amount: Number(payment.amount), payerBalance: Number(debit.balance), payeeBalance: Number(credit.balance) },
    ...{ payerDay: dayOf(debit.date), payeeDay: dayOf(credit.date), reference: payment.reference },
  };
}

/** The fields that the decoder reads. */
function fieldsOf({ fact }: LedgerEvent): ChargeFields<string> | undefined {
  if (fact.type !== "PaymentCharged") return undefined;
  const { payment, postings } = fact;
  const [debit, credit] = postings;
  if (!debit || !credit) return undefined;
  const { tenant, payeeType, amount, currency } = payment;
  return {
    ...{ tenant, payer: `of ${payment.payer}`, payee: `of ${payment.payee}`, payeeType, currency },
    ...{ amount: Number(amount), payerBalance: Number(debit.balance), payeeBalance: Number(credit.balance) },
    ...{ payerDate: debit.date, payeeDate: credit.date },
  };
}

const takeParty = makeIdMemo((id) => `of ${id}`);

/** Whether the fast lanes read an event. If they do, the decoder must read exactly the same. */
function isRead(event: StoredEvent): boolean {
  const row = readChargeRow(event);
  const fields = readChargeFields(event, takeParty);
  if (fields !== undefined) expect(fields).toStrictEqual(fieldsOf(decodeEvent(event)));
  if (row === undefined) return false;
  // The days of a row are numbers, and so are its accounts: it has a form of its own for fewer events.
  expect(fields).toBeDefined();
  const decoded = decodeEvent(event);
  expect(row).toStrictEqual(rowOf(decoded));
  const { fact } = decoded;
  if (fact.type !== "PaymentCharged") return false;
  expect(fact.payment).toMatchObject({ fee: 0n, metadata: {}, createdAt: event.at });
  expect(fact.payment.id.slice(-26)).toBe(event.id.slice(-26));
  expect(BigInt(row.amount)).toBe(fact.payment.amount);
  expect([row.payerBalance, row.payeeBalance].map(BigInt)).toEqual(fact.postings.map(({ balance }) => balance));
  return true;
}

const anyCharge = fc.tuple(anyPlace, anyOrigin, factsByType.PaymentCharged);

describe("the fast lane reads", () => {
  test("plain charges, all of them as the general way does", () => {
    fc.assert(
      fc.property(plainCharge, (event) => {
        expect(isRead(event)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test("nothing of any other charge that the general way reads otherwise", () => {
    fc.assert(
      fc.property(anyCharge, ([{ at, shard, revision, salt }, { tenant: _, ...origin }, fact]) => {
        const { tenant } = fact.payment;
        const id = makeId("evt", idBody(at, { shard, revision }, salt));
        const body = encodeEvent({ origin: { tenant, ...origin }, fact });
        isRead({ id, at, shard, revision, leaf: new Uint8Array(32), ...body });
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

describe("left to the general way is", () => {
  test.each<[string, (event: StoredEvent) => StoredEvent]>([
    ["another type", (event) => ({ ...event, type: "PaymentCaptured" })],
    ["another version", (event) => ({ ...event, version: event.version + 1 })],
    ["an event of another time", (event) => ({ ...event, at: event.at + 1 })],
    ["a payment that another event made", (event) => ({ ...event, id: makeId("evt", "0".repeat(26)) })],
    ["an amount that a number does not hold", withText(/"amount":"[^"]*"/, `"amount":"${EXACT + 1n}"`)],
    ["an account that is no number", withText(/"payer":"acct_./, '"payer":"acct_u')],
    ["a day that is none", withText(/"dates":\["..../, '"dates":["year')],
    ["a longer text", (event) => ({ ...event, data: Buffer.concat([event.data, Buffer.from(" ")]) })],
  ])("%s", (_name, change) => {
    if (!good) throw new Error("there is an event");
    expect(isRead(good)).toBe(true);
    expect(isRead(change(good))).toBe(false);
  });
});

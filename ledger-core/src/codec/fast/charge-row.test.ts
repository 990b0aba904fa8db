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

const EXACT = 10n ** 15n - 1n;
const text = fc.oneof(fc.constantFrom("tenant-a", "", "tenant-b"), fc.stringMatching(/^[ !#-[\]-~]{0,40}$/));
const exact = fc.bigInt({ min: -EXACT, max: EXACT });
const place = fc.record({
  at: fc.integer({ min: 0, max: 8_000_000_000_000_000 }),
  shard: fc.nat({ max: 1023 }),
  revision: fc.nat({ max: 2 ** 40 - 1 }),
  salt: fc.nat({ max: 2 ** 30 - 1 }),
});
const anyCharge = fc.tuple(place, anyOrigin, factsByType.PaymentCharged);
/** In the form of most charges that the writer makes. */
const plainCharge = fc
  .tuple(anyCharge, text, fc.option(text, { nil: null }), fc.tuple(exact, exact, exact))
  .map(([[{ at, shard, revision, salt }, origin, fact], tenant, reference, [amount, debit, credit]]) => {
    const body = idBody(at, { shard, revision }, salt);
    const id = makeId("pay", body);
    const plain = { id, tenant, amount, captured: amount, reference, fee: 0n, metadata: {}, createdAt: at };
    const [one, other] = fact.postings;
    if (!one || !other) throw new Error("a charge has two postings");
    const postings = [
      { ...one, amount: -amount, balance: debit },
      { ...other, amount, balance: credit },
    ];
    const from = { tenant, sub: "alice", key: null, print: null };
    const written = encodeEvent({
      origin: { ...origin, ...from },
      fact: { ...fact, payment: { ...fact.payment, ...plain }, postings },
    });
    return { id: makeId("evt", body), at, shard, revision, leaf: new Uint8Array(32), ...written };
  });

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
    const bytes = fc.constantFrom(...Buffer.from(' \n",:{}[]\\0189-eulz_\u007f'));
    const edits = fc.array(fc.tuple(fc.nat(), bytes, fc.constantFrom("set", "insert", "remove")), {
      minLength: 1,
      maxLength: 3,
    });
    let read = 0;
    fc.assert(
      fc.property(plainCharge, edits, (event, changes) => {
        const changed = [...event.data];
        for (const [at, byte, how] of changes)
          changed.splice(at % changed.length, how === "insert" ? 0 : 1, ...(how === "remove" ? [] : [byte]));
        if (isRead({ ...event, data: Buffer.from(changed) })) read++;
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

function withText(pattern: RegExp, text: string): (event: StoredEvent) => StoredEvent {
  return (event) => ({ ...event, data: Buffer.from(Buffer.from(event.data).toString().replace(pattern, text)) });
}

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LedgerEvent, Origin, PaymentCharged } from "../../domain/events.ts";
import { idBody, makeId } from "../../domain/ids.ts";
import { AMOUNT_MAX } from "../../domain/money.ts";
import { EventFrames } from "../../ports/event-frames.ts";
import { anyOrigin, factsByType } from "../../testing/facts.ts";
import { encodeEvent, frameEvent } from "../codec.ts";
import { chargeRoom, putCharge } from "./charge-bytes.ts";

const at = 1_795_336_200_000_000;
const place = { shard: 3, revision: 9 };
const id = makeId("evt", idBody(at, place, 5));

function eventOf(origin: Origin, fact: PaymentCharged): LedgerEvent<PaymentCharged> {
  return { id, at, ...place, origin, fact };
}

/** The bytes of a charge where they are written at once; undefined for one that is not. */
function put(event: LedgerEvent<PaymentCharged>): string | undefined {
  const bytes = Buffer.alloc(chargeRoom(event.origin, event.fact.payment) + 7);
  const end = putCharge(bytes, 7, event);
  return end < 0 ? undefined : bytes.toString("utf8", 7, end);
}

function generalWay(event: LedgerEvent): string {
  return Buffer.from(encodeEvent(event).data).toString("utf8");
}

const plainText = fc.stringMatching(/^[ !#-[\]-~]{0,40}$/);
const print = fc.stringMatching(/^[0-9a-f]{32}$/);
const amounts = fc.oneof(
  fc.bigInt({ min: 1n, max: 100_000n }),
  fc.bigInt({ min: 1n, max: BigInt(Number.MAX_SAFE_INTEGER) }),
  fc.constantFrom(1n, 9n, 10n, 99n, 100n, 10n ** 15n, 10n ** 15n - 1n, BigInt(Number.MAX_SAFE_INTEGER)),
);
const anyCharge = fc
  .tuple(anyOrigin, factsByType.PaymentCharged)
  .map(([origin, fact]) => eventOf({ ...origin, tenant: fact.payment.tenant }, fact));
const plainCharge = fc
  .tuple(anyCharge, plainText, print, fc.option(plainText, { nil: null }), amounts, amounts, amounts)
  .map(([{ origin, fact }, key, ofCommand, reference, amount, owed, owned]) => {
    const [debit, credit] = fact.postings;
    if (!debit || !credit) throw new Error("a charge has two postings");
    const postings = [
      { ...debit, amount: -amount, balance: -owed },
      { ...credit, amount, balance: owned },
    ];
    const payment = { ...fact.payment, amount, captured: amount, fee: 0n, reference, metadata: {} };
    return eventOf({ ...origin, key, print: ofCommand }, { ...fact, payment, postings });
  });

describe("a charge written at once", () => {
  test("has the bytes of the general way, and all plain ones are", () => {
    fc.assert(
      fc.property(plainCharge, (event) => {
        expect(put(event)).toBe(generalWay(event));
      }),
      { numRuns: 3000 },
    );
  });

  test("has the bytes of the general way, whatever charge it is", () => {
    fc.assert(
      fc.property(anyCharge, (event) => {
        const written = put(event);
        if (written !== undefined) expect(written).toBe(generalWay(event));
      }),
      { numRuns: 2000 },
    );
  });
});

describe("left to the general way is", () => {
  const [sample] = fc.sample(plainCharge, { numRuns: 1, seed: 7 });
  if (!sample) throw new Error("no sample");
  const { origin, fact } = sample;
  const { payment, postings } = fact;
  const [debit, credit] = postings;
  if (!debit || !credit) throw new Error("a charge has two postings");
  const withOrigin = (change: Partial<Origin>) => eventOf({ ...origin, ...change }, fact);
  const withPayment = (change: Partial<typeof payment>) =>
    eventOf(origin, { ...fact, payment: { ...payment, ...change } });

  test.each<[string, LedgerEvent<PaymentCharged>]>([
    ["a charge without a key", withOrigin({ key: null })],
    ["a key with a quotation mark", withOrigin({ key: 'a"b' })],
    ["a key with a backslash", withOrigin({ key: "a\\b" })],
    ["a key in other letters", withOrigin({ key: "ключ" })],
    ["a key whose letters look plain in their low bytes", withOrigin({ key: "\u0141\u0142" })],
    ["a charge without a print", withOrigin({ print: null })],
    ["a longer print", withOrigin({ print: `${"0123456789abcdef".repeat(2)}0` })],
    ["a print with a quotation mark", withOrigin({ print: `${"0123456789abcdef".repeat(2).slice(1)}"` })],
    ["a reference with a line break", withPayment({ reference: "a\nb" })],
    ["metadata", withPayment({ metadata: { table: "4" } })],
    ["a fee", withPayment({ fee: 1n })],
    [
      "a balance that a number cannot stand for",
      eventOf(origin, { ...fact, postings: [debit, { ...credit, balance: AMOUNT_MAX }] }),
    ],
  ])("%s", (_name, event) => {
    expect(put(sample)).toBe(generalWay(sample));
    expect(put(event)).toBeUndefined();
    const frames = new EventFrames(Buffer.alloc(16));
    frameEvent(frames, event);
    frameEvent(frames, sample);
    expect([...frames].map(({ data }) => Buffer.from(data).toString("utf8"))).toEqual([event, sample].map(generalWay));
  });

  test("one that is not a plain charge, which is a bug there", () => {
    const wrong = withPayment({ held: 1n });
    expect(put(wrong)).toBeUndefined();
    expect(() => frameEvent(new EventFrames(), wrong)).toThrow("not a plain one");
  });
});

test("events go to frames with their ids, types and times, in bytes that grow", () => {
  const events: LedgerEvent[] = fc.sample(fc.oneof(plainCharge, anyCharge), { numRuns: 50, seed: 3 });
  const frames = new EventFrames(Buffer.alloc(100));
  for (const event of events) frameEvent(frames, event);
  expect(frames.length).toBe(50);
  const expected = events.map((event) => ({ id, at, type: "PaymentCharged", version: 1, data: generalWay(event) }));
  expect([...frames].map((event) => ({ ...event, data: Buffer.from(event.data).toString("utf8") }))).toEqual(expected);
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LedgerEvent, Origin, PaymentCharged } from "../domain/events.ts";
import { idBody, makeId } from "../domain/ids.ts";
import { AMOUNT_MAX } from "../domain/money.ts";
import { EventFrames } from "../ports/event-frames.ts";
import { anyOrigin, factsByType } from "../testing/facts.ts";
import { encodeEvent, frameEvent } from "./codec.ts";

const at = 1_795_336_200_000_000;
const place = { shard: 3, revision: 9 };
const id = makeId("evt", idBody(at, place, 5));

function eventOf(origin: Origin, fact: PaymentCharged): LedgerEvent<PaymentCharged> {
  return { id, at, ...place, origin, fact };
}

/** The bytes of events that were framed one after another. */
function framed(...events: readonly LedgerEvent[]): string[] {
  const frames = new EventFrames(Buffer.alloc(16));
  for (const event of events) frameEvent(frames, event);
  return [...frames].map(({ data }) => Buffer.from(data).toString("utf8"));
}

function encoded(event: LedgerEvent): string {
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

test("framing any charge gives the bytes of its encoding", () => {
  fc.assert(
    fc.property(fc.oneof(plainCharge, anyCharge), (event) => {
      expect(framed(event)).toEqual([encoded(event)]);
    }),
    { numRuns: 5000 },
  );
});

describe("a framed charge has the bytes that it is encoded to", () => {
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
    expect(framed(event, sample)).toEqual([event, sample].map(encoded));
  });

  test("one that is not a plain charge is a bug", () => {
    const wrong = withPayment({ held: 1n });
    expect(() => frameEvent(new EventFrames(), wrong)).toThrow("not a plain one");
  });
});

test("events go to frames with their ids, types and times, in bytes that grow", () => {
  const events: LedgerEvent[] = fc.sample(fc.oneof(plainCharge, anyCharge), { numRuns: 50, seed: 3 });
  const frames = new EventFrames(Buffer.alloc(100));
  for (const event of events) frameEvent(frames, event);
  expect(frames.length).toBe(50);
  const expected = events.map((event) => ({ id, at, type: "PaymentCharged", version: 1, data: encoded(event) }));
  expect([...frames].map((event) => ({ ...event, data: Buffer.from(event.data).toString("utf8") }))).toEqual(expected);
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Origin } from "../../domain/events.ts";
import { idBody, makeId, readId } from "../../domain/ids.ts";
import type { StoredEvent } from "../../ports/event-log.ts";
import { anyOrigin, factsByType } from "../../testing/facts.ts";
import { decodeEvent, encodeEvent } from "../codec.ts";
import { type ChargeMove, emptyChargeMove, readChargeMove } from "./charge-move.ts";

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

const EXACT = 10n ** 15n - 1n;
const text = fc.oneof(fc.constantFrom("tenant-a", "", "tenant-b"), fc.stringMatching(/^[ !#-[\]-~]{0,40}$/));
const exact = fc.bigInt({ min: -EXACT, max: EXACT });
const nullable = fc.option(text, { nil: null });
const plainOrigin: fc.Arbitrary<Origin> = fc.record({ tenant: text, sub: text, key: nullable, print: nullable });
const place = fc.record({
  at: fc.integer({ min: 0, max: 8_000_000_000_000_000 }),
  shard: fc.nat({ max: 1023 }),
  revision: fc.nat({ max: 2 ** 40 - 1 }),
  salt: fc.nat({ max: 2 ** 30 - 1 }),
});
/** In the form of most charges that the writer makes. */
const plainCharge = fc
  .tuple(place, plainOrigin, factsByType.PaymentCharged, nullable, fc.tuple(exact, exact, exact))
  .map(([{ at, shard, revision, salt }, origin, fact, reference, [amount, debit, credit]]): StoredEvent => {
    const { tenant } = origin;
    const plain = { tenant, amount, captured: amount, reference, fee: 0n, metadata: {} };
    const [one, other] = fact.postings;
    if (!one || !other) throw new Error("a charge has two postings");
    const postings = [
      { ...one, amount: -amount, balance: debit },
      { ...other, amount, balance: credit },
    ];
    const written = encodeEvent({ origin, fact: { ...fact, payment: { ...fact.payment, ...plain }, postings } });
    const id = makeId("evt", idBody(at, { shard, revision }, salt));
    return { id, at, shard, revision, leaf: new Uint8Array(32), ...written };
  });

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
      fc.property(place, anyOrigin, factsByType.PaymentCharged, (at, { tenant: _, ...origin }, fact) => {
        const { tenant } = fact.payment;
        const id = makeId("evt", idBody(at.at, at, at.salt));
        isRead({ ...at, id, leaf: new Uint8Array(32), ...encodeEvent({ origin: { tenant, ...origin }, fact }) });
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

function withText(pattern: RegExp, text: string): (event: StoredEvent) => StoredEvent {
  return (event) => ({ ...event, data: Buffer.from(Buffer.from(event.data).toString().replace(pattern, text)) });
}

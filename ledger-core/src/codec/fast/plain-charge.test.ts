import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Origin, PaymentCharged } from "../../domain/events.ts";
import { anyOrigin, factsByType } from "../../testing/facts.ts";
import { decodeEvent, encodeEvent } from "../codec.ts";
import { readPaymentCharged } from "../payment-charged.ts";
import { currentVersions } from "../versions.ts";
import { readPlainCharge } from "./plain-charge.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Whether the fast lane reads these bytes. If it does, the JSON parser's path must accept them and read the same. */
function isRead(data: Uint8Array): boolean {
  const read = readPlainCharge(data);
  if (read !== undefined) expect(read).toStrictEqual(readPaymentCharged(JSON.parse(decoder.decode(data))));
  return read !== undefined;
}

const {
  id,
  at,
  data: fixture,
} = JSON.parse(readFileSync(new URL("../fixtures/PaymentCharged.v1.json", import.meta.url), "utf8"));
const { metadata: _metadata, reference: _reference, ...plain } = fixture;
const good = JSON.stringify(plain);
const inText = (change: (text: string) => string) => Buffer.from(change(good));
const withValue = (name: string, value: string) =>
  inText((text) => text.replace(new RegExp(`("${name}":)("[^"]*"|[0-9]+)`), `$1${value}`));
const withReference = (json: string) =>
  inText((text) => text.replace(',"createdAt"', `,"reference":${json},"createdAt"`));
const withBalance = (json: string) => inText((text) => text.replace('"998750"', json));

test("the fast lane knows the current version of a charge: with a next one, its template and this test change", () => {
  expect(currentVersions.PaymentCharged).toBe(1);
});

describe("a plain charge is read at once", () => {
  test.each<[string, Uint8Array]>([
    ["as it is mostly written", Buffer.from(good)],
    ["in bytes that are no Buffer", new Uint8Array(Buffer.from(`..${good}.`)).subarray(2, -1)],
    ["without a key", withValue("key", "null")],
    ["without a print", withValue("print", "null")],
    ["with empty texts", withValue("sub", '""')],
    ["with a text that begins like the last one", withValue("sub", '"alice and bob"')],
    ["with a text that the last one begins with", withValue("sub", '"al"')],
    ["with a reference", withReference('"order 17, table 4"')],
    ["with an empty reference", withReference('""')],
    ["of nothing", withValue("amount", '"0"')],
    ["of less than nothing", withValue("amount", '"-17"')],
    ["of 15 digits", withValue("amount", `"${"9".repeat(15)}"`)],
    ["of 16 digits", withValue("amount", `"${"9".repeat(16)}"`)],
    ["of 19 digits", withValue("amount", `"-${"9".repeat(19)}"`)],
    ["at the beginning of time", withValue("createdAt", "0")],
    ["at the last safe time", withValue("createdAt", `${Number.MAX_SAFE_INTEGER}`)],
    ["on days that are any text", inText((text) => text.replaceAll("2026-11-22", "some day"))],
    ["with an id of any plain characters", inText((text) => text.replace('"pay_01m8', '"pay_ ~A['))],
  ])("%s", (_name, data) => {
    isRead(Buffer.from(good));
    expect(isRead(data)).toBe(true);
    expect(isRead(Buffer.from(good))).toBe(true);
  });
});

test("a time is read to the last digit wherever a number is exact, and nowhere else", () => {
  for (let back = -100n; back < 100n; back++) {
    const time = BigInt(Number.MAX_SAFE_INTEGER) - back;
    expect(isRead(withValue("createdAt", `${time}`))).toBe(back >= 0n);
  }
});

describe("left to the general way is", () => {
  test.each<[string, Uint8Array]>([
    ["no bytes", new Uint8Array(0)],
    ["metadata", Buffer.from(JSON.stringify(fixture))],
    ["a fee", inText((text) => text.replace(',"createdAt"', ',"fee":"25","createdAt"'))],
    ["a text in other letters", withValue("sub", '"Müller"')],
    ["a text with an escape", withValue("sub", '"a\\u0062"')],
    ["a text with a control character", withValue("sub", '"a\nb"')],
    ["a text with a delete character", withValue("sub", '"\u007f"')],
    ["an id in other letters", inText((text) => text.replace('"pay_01', '"pay_ü'))],
    ["an id with an escape", inText((text) => text.replace('"pay_01m', '"pay_\\u0030\\n'))],
    ["an id that ends early", inText((text) => text.replace('"pay_01m', '"pay_01'))],
    ["a longer id", inText((text) => text.replace('"pay_01m', '"pay_001m'))],
    ["an id of another kind", inText((text) => text.replace('"acct_', '"bank_'))],
    ["an unknown account type", withValue("payeeType", '"casino"')],
    ["an account type that every object knows", withValue("payeeType", '"toString"')],
    ["no amount", withValue("amount", '""')],
    ["an amount that is a sign", withValue("amount", '"-"')],
    ["an amount of -0", withValue("amount", '"-0"')],
    ["an amount with a leading zero", withValue("amount", '"01"')],
    ["an amount with a plus", withValue("amount", '"+1"')],
    ["an amount of 20 digits", withValue("amount", `"${"9".repeat(20)}"`)],
    ["an amount that is a number", withValue("amount", "1250")],
    ["a balance with a leading zero", withBalance('"-01"')],
    ["a third balance", withBalance('"1","2"')],
    ["a time before time", withValue("createdAt", "-1")],
    ["a time with a leading zero", withValue("createdAt", "01")],
    ["a time with a fraction", withValue("createdAt", "1.0")],
    ["a time with an exponent", withValue("createdAt", "1e3")],
    ["a time that is not safe", withValue("createdAt", `${Number.MAX_SAFE_INTEGER + 1}`)],
    ["a time that is a text", withValue("createdAt", '"1"')],
    ["a null for a text", withValue("sub", "null")],
    ["a null for a reference", withReference("null")],
    ["white space before", Buffer.from(` ${good}`)],
    ["white space behind", Buffer.from(`${good} `)],
    ["a byte order mark", Buffer.from(`\ufeff${good}`)],
    ["another order", Buffer.from(JSON.stringify(Object.fromEntries(Object.entries(plain).reverse())))],
    ["an unknown field", inText((text) => text.replace(',"createdAt"', ',"x":1,"createdAt"'))],
  ])("%s", (_name, data) => {
    isRead(Buffer.from(good));
    expect(isRead(data)).toBe(false);
  });

  test("whatever is cut", () => {
    for (let length = 0; length < good.length; length++) expect(isRead(Buffer.from(good.slice(0, length)))).toBe(false);
  });

  test("an older version, which may have meant something else", () => {
    const stored = { id, at, shard: 0, revision: 5, type: "PaymentCharged", leaf: new Uint8Array(32) };
    const raise = { PaymentCharged: { 0: (json: object) => ({ ...json, currency: "JPY" }) } };
    const { fact } = decodeEvent({ ...stored, version: 0, data: Buffer.from(good) }, raise);
    expect(fact).toMatchObject({ payment: { currency: "JPY" } });
  });
});

describe("both ways read the same", () => {
  const plainText = fc.oneof(fc.constantFrom("tenant-a", "alice", "", "bob"), fc.stringMatching(/^[ !#-[\]-~]{0,40}$/));
  const nullable = (text: fc.Arbitrary<string>) => fc.option(text, { nil: null });
  const anyCharge = fc.tuple(anyOrigin, factsByType.PaymentCharged);
  const plainCharge = fc
    .tuple(anyCharge, plainText, plainText, nullable(plainText), nullable(plainText))
    .map(([[origin, fact], tenant, sub, key, reference]): [Origin, PaymentCharged] => [
      { ...origin, tenant, sub, key },
      { ...fact, payment: { ...fact.payment, fee: 0n, metadata: {}, reference } },
    ]);
  const bytesOf = ([{ tenant: _tenant, ...origin }, fact]: [Origin, PaymentCharged], tenant: string) => {
    const payment = { ...fact.payment, tenant };
    return encodeEvent({ origin: { tenant, ...origin }, fact: { ...fact, payment } }).data;
  };
  const plainBytes = plainCharge.map((charge) => bytesOf(charge, charge[0].tenant));

  test("of plain charges, all of which the fast lane reads", () => {
    fc.assert(
      fc.property(plainBytes, (data) => {
        expect(isRead(data)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test("of any charges", () => {
    fc.assert(
      fc.property(anyCharge, (charge) => {
        isRead(bytesOf(charge, charge[0].tenant));
      }),
      { numRuns: 2000 },
    );
  });

  test("of charges with a few bytes changed", () => {
    const bytes = fc.oneof(
      fc.constantFrom(...Buffer.from(' \n",:{}[]\\0189-eu_\u007f')),
      fc.integer({ min: 0, max: 255 }),
    );
    const edits = fc.array(fc.tuple(fc.nat(), bytes, fc.constantFrom("set", "insert", "remove")), {
      minLength: 1,
      maxLength: 3,
    });
    let read = 0;
    fc.assert(
      fc.property(plainBytes, edits, (data, changes) => {
        const changed = [...data];
        for (const [place, byte, how] of changes) {
          changed.splice(place % changed.length, how === "insert" ? 0 : 1, ...(how === "remove" ? [] : [byte]));
        }
        if (isRead(Buffer.from(changed))) read++;
      }),
      { numRuns: 10_000 },
    );
    expect(read).toBeGreaterThan(500);
  });
});

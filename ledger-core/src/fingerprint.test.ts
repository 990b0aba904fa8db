import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ClientCommand } from "./commands.ts";
import { bulkPrint, fingerprint, hash64, hashKey, plainPaymentPrint, printOf, scopedKey } from "./fingerprint.ts";
import { alice, bob, capture, noPayment, pay, refund, shop, topUp, transfer, voidOf } from "./testing/examples.ts";

describe("the fingerprint of a command", () => {
  it("is 16 hex digits, the same for the same command", () => {
    expect(fingerprint(pay(1n))).toMatch(/^[0-9a-f]{16}$/);
    expect(fingerprint(pay(1n, { metadata: { a: "1", b: "2" } }))).toBe(
      fingerprint(pay(1n, { metadata: { b: "2", a: "1" } })),
    );
  });

  it("differs with every field", () => {
    const payment = pay(100n);
    const prints = [
      payment,
      { ...payment, amount: 101n },
      { ...payment, payer: bob },
      { ...payment, payer: payment.payee, payee: payment.payer },
      { ...payment, capture: "manual" as const },
      { ...payment, reference: "null" },
      { ...payment, reference: "" },
      { ...payment, reference: "100" },
      { ...payment, expiresAt: 100 },
      { ...payment, metadata: { a: "b" } },
      { ...payment, metadata: { a: "b", c: "d" } },
      { ...payment, metadata: { 'a":"b","c': "d" } },
      topUp(100n),
      topUp(100n, { externalId: "null" }),
      topUp(100n, { rail: "fps\n4:null" }),
      transfer([[alice, bob, 1n]]),
      transfer([
        [alice, bob, 1n],
        [alice, bob, 1n],
      ]),
      transfer([
        [alice, bob, 1n],
        [alice, shop, 1n],
      ]),
      transfer([
        [alice, shop, 1n],
        [alice, bob, 1n],
      ]),
      capture(noPayment),
      capture(noPayment, 1n),
      capture(noPayment, 1n, true),
      refund(noPayment),
      refund(noPayment, 1n),
      voidOf(noPayment),
    ].map(fingerprint);
    expect(new Set(prints).size).toBe(prints.length);
  });

  it("cannot be led astray by text that looks like several fields", () => {
    const texts = fc.array(fc.stringMatching(/^[a1:\n]{0,6}$/), { minLength: 2, maxLength: 2 });
    fc.assert(
      fc.property(texts, texts, ([rail = "", externalId = ""], [otherRail = "", otherId = ""]) => {
        const same = rail === otherRail && externalId === otherId;
        const one = fingerprint(topUp(1n, { rail, externalId }));
        const other = fingerprint(topUp(1n, { rail: otherRail, externalId: otherId }));
        expect(one === other).toBe(same);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("the hash behind it", () => {
  it("spreads like a random one: no two of 200,000 alike keys meet, and its bits are even", () => {
    const seen = new Set<string>();
    const ones = new Array<number>(64).fill(0);
    const keys = 200_000;
    for (let n = 0; n < keys; n++) {
      const { high, low } = hash64(scopedKey("tenant-a", "alice", `key-${n}`));
      seen.add(`${high} ${low}`);
      for (let bit = 0; bit < 32; bit++) {
        ones[bit] = (ones[bit] ?? 0) + ((low >>> bit) & 1);
        ones[32 + bit] = (ones[32 + bit] ?? 0) + ((high >>> bit) & 1);
      }
    }
    expect(seen.size).toBe(keys);
    for (const count of ones) expect(Math.abs(count / keys - 0.5)).toBeLessThan(0.01);
  });

  it("is another with another seed", () => {
    expect(hash64("key", 1)).not.toEqual(hash64("key", 2));
  });
});

const anyText = fc.oneof(fc.string({ maxLength: 12 }), fc.string({ unit: "grapheme", maxLength: 8 }));
const amounts = fc.bigInt({ min: 1n, max: 10n ** 18n - 1n });

describe("what is hashed piece by piece", () => {
  const metadata = fc.dictionary(anyText, anyText, { maxKeys: 3 });
  const orNull = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: null });
  const payments = fc
    .record({
      payer: fc.constantFrom(alice, bob),
      payee: fc.constantFrom(bob, shop),
      capture: fc.constantFrom("automatic", "manual"),
      reference: orNull(anyText),
      expiresAt: orNull(fc.nat()),
      metadata,
    })
    .chain((fields) => amounts.map((amount) => pay(amount, fields)));
  const commands = fc.oneof<fc.Arbitrary<ClientCommand>[]>(
    payments,
    fc
      .tuple(amounts, anyText, orNull(anyText))
      .map(([amount, rail, externalId]) => topUp(amount, { rail, externalId })),
    fc.tuple(amounts, metadata).map(([amount, more]) => transfer([[alice, bob, amount]], { metadata: more })),
    fc.tuple(orNull(amounts), fc.boolean()).map(([amount, final]) => capture(noPayment, amount, final)),
  );

  it("has the print of its whole text, by which commands in the log are known", () => {
    fc.assert(
      fc.property(commands, (command) => {
        const { high, low } = hash64(wholeText(command));
        expect(fingerprint(command)).toBe([high, low].map((word) => word.toString(16).padStart(8, "0")).join(""));
      }),
      { numRuns: 2000 },
    );
  });

  it("has the hash of its whole text, when it is a key in its scope", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyText, anyText, anyText), { maxLength: 4 }), (keys) => {
        for (const [tenant, sub, key] of keys) {
          expect(hashKey(tenant, sub, key)).toEqual(hash64(scopedKey(tenant, sub, key)));
          expect(hashKey(tenant, sub, `${key}+`)).toEqual(hash64(scopedKey(tenant, sub, `${key}+`)));
        }
      }),
    );
  });

  it("has the same print as bytes of a request", () => {
    const references = orNull(fc.stringMatching(/^[ -~]{0,20}$/));
    fc.assert(
      fc.property(amounts, references, (amount, reference) => {
        const command = pay(amount, { reference });
        const fields = [command.payer, command.payee, `${amount}`, command.currency, reference];
        let text = "-";
        const places = fields.flatMap((field) => {
          const from = text.length;
          text += `${field ?? ""}-`;
          return field === null ? [0, 0] : [from, text.length - 1];
        });
        expect(plainPaymentPrint(Buffer.from(text), Int32Array.from(places))).toBe(fingerprint(command));
      }),
    );
  });
});

/** The text that stood for a command when prints were made of one. */
function wholeText(command: ClientCommand): string {
  if (command.type !== "MakePayment")
    return Object.values(command)
      .map((value) => `${canonical(value)}\n`)
      .join("");
  const { type, payer, payee, amount, currency, capture, expiresAt, reference, metadata } = command;
  const fields = [type, payer, payee, amount, currency, capture, expiresAt, canonical(reference), canonical(metadata)];
  return fields.map((field) => `${field}\n`).join("");
}

function canonical(value: unknown): string {
  if (typeof value === "string") return `${value.length}:${value}`;
  if (value === null || typeof value !== "object") return String(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join("\t")}]`;
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, field]) => canonical(key) + canonical(field)).join()}}`;
}

describe("the print of a bulk", () => {
  const items = [
    { key: "a", print: printOf(["a"]) },
    { key: "b", print: printOf(["b"]) },
  ];

  it("is equal for equal bulks and tells modes, keys, items and their order apart", () => {
    const [first, second] = items;
    if (!first || !second) throw new Error("two items");
    const prints = [
      bulkPrint("each", items),
      bulkPrint("atomic", items),
      bulkPrint("each", [first]),
      bulkPrint("each", [second, first]),
      bulkPrint("each", [{ ...first, key: "b" }, second]),
      bulkPrint("each", [{ ...first, print: second.print }, second]),
      bulkPrint("each", [{ print: first.print }, second]),
    ];
    expect(prints[0]).toMatch(/^[0-9a-f]{16}$/);
    expect(new Set(prints).size).toBe(prints.length);
    expect(bulkPrint("each", structuredClone(items))).toBe(prints[0]);
  });

  it("tells faulty items apart by all that is in them", () => {
    const faulty = [null, 5, "5", [], {}, [5], { a: 5 }, { a: "5" }, { a: null }, { b: 5 }, { a: [5] }, { a: 5, b: 5 }];
    expect(new Set(faulty.map((item) => printOf([item]))).size).toBe(faulty.length);
    expect(printOf([{ a: 1, b: 2 }])).toBe(printOf([{ b: 2, a: 1 }]));
  });
});

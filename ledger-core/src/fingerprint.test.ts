import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fingerprint, hash64, scopedKey } from "./fingerprint.ts";
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
      { type: "Bulk" as const, text: "x" },
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

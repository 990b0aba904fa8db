import fc from "fast-check";
import { isOldPrint, oldPrint } from "ledger-core";
import { examples } from "ledger-core/testing";
import { describe, expect, it } from "vitest";
import { bulkPrint, fingerprint, printOf } from "./fingerprint.ts";

const { accountId, alice, bob, capture, noPayment, pay, refund, shop, topUp, transfer, voidOf } = examples;

describe("the fingerprint of a command", () => {
  it("is 32 hex digits, the same for the same command", () => {
    expect(fingerprint(pay(1n))).toMatch(/^[0-9a-f]{32}$/);
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
    ].map((command) => fingerprint(command));
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

describe("a print that is in the log since before prints were cryptographic", () => {
  /** The accounts that those requests named. */
  const [payer, friend, payee] = [accountId(2), accountId(3), accountId(4)];
  const sides = { payer, payee };
  const stored = pay(1250n, { ...sides, reference: "order 7" });

  it("is made again of the same request", () => {
    expect(fingerprint(stored, oldPrint)).toBe("f478a7abfcaeabba");
    expect(fingerprint(pay(1n, { ...sides, metadata: { b: "2", a: "1" } }), oldPrint)).toBe("08e2bd7901d05819");
    expect(fingerprint(topUp(100n, { account: payer }), oldPrint)).toBe("b4e7cea17a493b19");
    expect(fingerprint(transfer([[payer, friend, 1n]]), oldPrint)).toBe("f07347e3f3f37357");
    const items = [{ key: "k", print: fingerprint(stored, oldPrint) }, { print: printOf([{ a: 1 }], oldPrint) }];
    expect(bulkPrint("each", items, oldPrint)).toBe("0a7b427af0eabe06");
  });

  it("differs from one of today", () => {
    expect([fingerprint(stored, oldPrint), fingerprint(stored)].map(isOldPrint)).toEqual([true, false]);
  });
});

describe("the print of a bulk", () => {
  const items = [
    { key: "a", print: printOf(["a"]) },
    { key: "b", print: printOf(["b"]) },
  ];

  it("is equal for equal bulks, and differs for other modes, keys, items or orders", () => {
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
    expect(prints[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(new Set(prints).size).toBe(prints.length);
    expect(bulkPrint("each", structuredClone(items))).toBe(prints[0]);
  });

  it("differs for faulty items with any difference", () => {
    const faulty = [null, 5, "5", [], {}, [5], { a: 5 }, { a: "5" }, { a: null }, { b: 5 }, { a: [5] }, { a: 5, b: 5 }];
    expect(new Set(faulty.map((item) => printOf([item]))).size).toBe(faulty.length);
    expect(printOf([{ a: 1, b: 2 }])).toBe(printOf([{ b: 2, a: 1 }]));
  });
});

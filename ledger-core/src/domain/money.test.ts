import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { currencyOf } from "../testing/examples.ts";
import { AMOUNT_MAX, currencyExponent, formatAmount, parseAmount, parseCurrency, parseSignedAmount } from "./money.ts";

describe("amounts", () => {
  it("case 1: only a string of digits is an amount", () => {
    const hostile = [
      "0.1",
      "-1",
      "0",
      "1e3",
      "",
      " 1",
      "1 ",
      "+5",
      "007",
      "1.50",
      "1e400",
      "NaN",
      "0x10",
      "１２",
      "1_000",
    ];
    const notText = [0.1, 5, true, null, undefined, ["7"], { amount: "7" }, 7n];
    for (const value of [...hostile, ...notText, "9223372036854775808", "1\n"]) {
      expect(parseAmount(value), String(value)).toBeUndefined();
    }
  });

  it("case 1: 9007199254740993 comes back exactly", () => {
    expect(parseAmount("9007199254740993")?.toString()).toBe("9007199254740993");
  });

  it("go up to eighteen digits", () => {
    expect(parseAmount("999999999999999999")).toBe(AMOUNT_MAX);
    expect(parseAmount("1000000000000000000")).toBeUndefined();
  });

  it("come back as they went out", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -AMOUNT_MAX, max: AMOUNT_MAX }), (amount) => {
        expect(parseSignedAmount(amount.toString())).toBe(amount);
        expect(parseAmount(amount.toString())).toBe(amount > 0n ? amount : undefined);
      }),
    );
  });

  it("signed, have one zero and no plus", () => {
    expect(parseSignedAmount("0")).toBe(0n);
    for (const value of ["-0", "+1", "00", "-01", "--1", "", "-", 1, null]) {
      expect(parseSignedAmount(value), String(value)).toBeUndefined();
    }
  });
});

describe("currencies", () => {
  it("case 1: JPY has no decimals, HKD two, KWD three", () => {
    expect(["JPY", "HKD", "KWD", "CLF"].map((code) => currencyExponent(currencyOf(code)))).toEqual([0, 2, 3, 4]);
  });

  it("are known only by their upper-case code", () => {
    for (const value of ["eur", "XXX", "EU", "EURO", "", null, 978, "constructor"]) {
      expect(parseCurrency(value), String(value)).toBeUndefined();
    }
    expect(parseCurrency("EUR")).toBe("EUR");
  });

  it("put the point where it belongs, for people", () => {
    expect(formatAmount(1250n, currencyOf("HKD"))).toBe("12.50");
    expect(formatAmount(-5n, currencyOf("HKD"))).toBe("-0.05");
    expect(formatAmount(0n, currencyOf("KWD"))).toBe("0.000");
    expect(formatAmount(1250n, currencyOf("JPY"))).toBe("1250");
  });
});

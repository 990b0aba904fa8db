import { describe, expect, test } from "vitest";
import { holdsCardNumber } from "./card-numbers.ts";

describe("a card number", () => {
  test.each([
    ["Visa", "4111111111111111"],
    ["Visa of 13 digits", "4222222222222"],
    ["Mastercard", "5555555555554444"],
    ["Mastercard of the 2 series", "2223003122003222"],
    ["American Express", "378282246310005"],
    ["Diners Club", "30569309025904"],
    ["Discover", "6011111111111117"],
    ["JCB", "3566002020360505"],
    ["UnionPay", "6200000000000005"],
    ["Maestro", "6304000000000000"],
    ["in groups", "4111 1111 1111 1111"],
    ["with hyphens", "5555-5555-5555-4444"],
    ["in a sentence", "my card is 378282246310005, thanks"],
    ["after a label", "card:4111111111111111"],
    ["with no-break spaces", "4111\u00a01111\u00a01111\u00a01111"],
    ["with narrow no-break spaces", "4111\u202f1111\u202f1111\u202f1111"],
    ["with double spaces", "4111  1111  1111  1111"],
    ["with underscores", "4111_1111_1111_1111"],
    ["with dots", "4111.1111.1111.1111"],
    ["with en dashes", "4111\u20131111\u20131111\u20131111"],
    ["with non-breaking hyphens", "4111\u20111111\u20111111\u20111111"],
    ["with minus signs", "4111\u22121111\u22121111\u22121111"],
    ["with zero-width spaces", "4111\u200b1111\u200b1111\u200b1111"],
    ["with a separator after each digit", "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"],
    ["after an underscore", "order_4111111111111111"],
    ["after another number", "12 4111 1111 1111 1111"],
    ["before another number", "4111 1111 1111 1111 12"],
    [
      "in full-width digits",
      "\uff14\uff11\uff11\uff11\uff11\uff11\uff11\uff11\uff11\uff11\uff11\uff11\uff11\uff11\uff11\uff11",
    ],
    [
      "in Arabic digits",
      "\u0664\u0661\u0661\u0661 \u0661\u0661\u0661\u0661 \u0661\u0661\u0661\u0661 \u0661\u0661\u0661\u0661",
    ],
    ["in Devanagari digits", "\u096a".concat("\u0967".repeat(15))],
    ["in mathematical digits", "\u{1d7dc}".concat("\u{1d7d9}".repeat(15))],
    ["in digits of two scripts", "4111\uff11\uff11\uff11\uff11\u0661\u0661\u0661\u06611111"],
    ["in the groups that a UUID begins with", "41111111-1111-1111"],
    ["after a UUID", "41111111-1111-1111-abcd-0123456789ab 4111111111111111"],
    ["in circled digits", "\u2463".concat("\u2460".repeat(15))],
  ])("of %s is found", (_name, text) => {
    expect(holdsCardNumber(text)).toBe(true);
  });
});

describe("texts without a card number pass:", () => {
  test.each([
    ["a wrong check digit", "4111111111111112"],
    ["no issuer's range, though the check digit is right", "1234567812345670"],
    ["no length of the issuer", "411111111111111"],
    ["an order number", "2026112200012345"],
    ["a long order number that begins like a card", "41111111111111111111"],
    ["a number inside a word", "ORD4111111111111111X"],
    ["a telephone number", "+852 2345 6789"],
    ["an IBAN", "DE89370400440532013000"],
    ["a time", "2026-11-22 08:30:00.000000"],
    ["groups further apart than two separators", "4111   1111   1111   1111"],
    ["groups with other signs between them", "4111/1111/1111/1111"],
    ["a UUID", "41111111-1111-4111-8111-111111111111"],
    ["a UUID that begins with the digits of one", "41111111-1111-1111-abcd-0123456789ab"],
    ["a short text", "lunch"],
    ["nothing", ""],
  ])("%s", (_name, text) => {
    expect(holdsCardNumber(text)).toBe(false);
  });
});

import { expect, test } from "vitest";
import { openableAccountTypes } from "../domain/account.ts";
import { entryTypes } from "../domain/entries.ts";
import { makeId } from "../domain/ids.ts";
import { paymentStatuses } from "../domain/payment.ts";
import { parseBusinessDate } from "../domain/time.ts";
import { accountTypeCodes, dateOf, dayOf, entryTypeCodes, movementKindCodes, paymentStatusCodes } from "./codes.ts";
import { idOf, numberOf, numberOfId, positionOf, saltOf } from "./numbers.ts";

test("each word of the domain has a code", () => {
  expect([...paymentStatusCodes.words].sort()).toEqual([...paymentStatuses].sort());
  expect(entryTypeCodes.words).toEqual(entryTypes);
  expect(movementKindCodes.words).toEqual(entryTypes.slice(1));
  expect(accountTypeCodes.words).toEqual([...openableAccountTypes, "clearing", "transit"]);
});

test("codes that were ever written keep their words", () => {
  expect(paymentStatusCodes.words.slice(0, 3)).toEqual(["captured", "authorized", "partially_captured"]);
  for (const [code, word] of paymentStatusCodes.words.entries()) {
    expect(paymentStatusCodes.codeOf(word)).toBe(code);
    expect(paymentStatusCodes.wordOf(code)).toBe(word);
  }
});

test.each([7, -1, 0.5, 1n << 70n, "0", null, undefined])("%s is no code", (code) => {
  expect(() => paymentStatusCodes.wordOf(code)).toThrow(expect.objectContaining({ code: "row_unreadable" }));
});

test.each(["2026-11-22", "0001-01-01", "2024-02-29", "9999-12-31"])("%s is a day and a date again", (text) => {
  const date = parseBusinessDate(text);
  if (date === undefined) throw new RangeError(text);
  expect(dateOf(dayOf(date))).toBe(text);
});

test.each([0, -20_261_122, 20_261_301, 20_260_230, 120_261_122, 2026.5, "20261122", null])("%s is no day", (day) => {
  expect(() => dateOf(day)).toThrow(expect.objectContaining({ code: "row_unreadable" }));
});

test.each([
  { shard: 0, revision: 0 },
  { shard: 1023, revision: 2 ** 40 - 1 },
  { shard: 7, revision: 123_456_789_012 },
])("an id is its time, number and salt: $shard:$revision", (position) => {
  const at = 1_795_336_200_123_456;
  const id = idOf("pay", at, numberOf(position), 2 ** 30 - 1);
  expect(numberOfId(id)).toBe(numberOf(position));
  expect(positionOf(numberOfId(id))).toEqual(position);
  expect(saltOf(id)).toBe(2 ** 30 - 1);
  expect(idOf("pay", at, numberOfId(id), saltOf(id))).toBe(makeId("pay", id.slice(4)));
});

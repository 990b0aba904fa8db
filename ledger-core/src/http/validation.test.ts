import { describe, expect, test } from "vitest";
import * as fields from "./field-schemas.ts";
import { idempotencyKeyField } from "./idempotency-key.ts";
import { bodyProblem, compileCheck } from "./validation.ts";

describe("fields", () => {
  test.each<[string, object, readonly unknown[], readonly unknown[]]>([
    ["amount", fields.amount, ["1", "999999999999999999"], ["0", "-1", "01", "1.0", "1000000000000000000", 1, null]],
    ["signed amount", fields.signedAmount, ["0", "-1", "12"], ["-0", "+1", "00", "", 0, null]],
    ["currency", fields.currency, ["HKD", "KWD"], ["hkd", "XXX", "HK", "HKD ", ""]],
    [
      "owner",
      fields.owner,
      ["alice", "berka:1234", "a@b.c", "x".repeat(64), "rails"],
      ["", "a b", "x".repeat(65), "4111111111111111", "é", "rail:fps", "ledger:x", "transit:1", "4111.1111.1111.1111"],
    ],
    ["instant", fields.instant, ["2026-11-22T08:30:00Z", "2026-11-22T08:30:00.000001Z"], ["2026-11-22", "now", ""]],
    ["business date", fields.businessDate, ["2024-02-29"], ["2026-02-29", "2026-2-1", "20260201"]],
    ["time zone", fields.timeZone, ["UTC", "Asia/Hong_Kong"], ["+08:00", "Mars/Base", ""]],
    ["free text", fields.freeText(5, 1), ["a", "é✓😀😀😀"], ["", "abcdef", "a\nb", "\u0085", "a\u007f"]],
    ["reference", fields.reference, ["x", "x".repeat(140)], ["", "x".repeat(141), "4111-1111-1111-1111"]],
    ["amount bound", fields.amountBound, ["0", "1", "9".repeat(18)], ["", "00", "-1", "+1", "9".repeat(19), 0]],
    [
      "key",
      idempotencyKeyField,
      ["a", "a b", "~".repeat(255)],
      ["", " a", "a ", " ", "~".repeat(256), "é", "a\tb", "4111 1111 1111 1111"],
    ],
    [
      "metadata",
      fields.metadata,
      [{}, { order: "7" }, { empty: "" }, { ["k".repeat(40)]: "x".repeat(500) }],
      [
        { a: 1 },
        { "": "x" },
        { a: "\u0000" },
        { a: "x".repeat(501) },
        { ["k".repeat(41)]: "x" },
        { a: "4111_1111_1111_1111" },
      ],
    ],
  ])("%s", (_name, schema, good, bad) => {
    const check = compileCheck(schema);
    expect(good.filter((value) => check(value))).toEqual([]);
    expect(bad.filter((value) => !check(value))).toEqual([]);
  });
});

const payment = compileCheck({
  type: "object",
  required: ["amount"],
  properties: {
    amount: fields.amount,
    limit: { ...fields.signedAmount, type: ["string", "null"] },
    currency: fields.currency,
  },
  additionalProperties: false,
});
const codeOf = (value: unknown) => {
  const misfit = payment(value);
  return misfit && bodyProblem(misfit).code;
};

test.each([
  [{ amount: "0" }, "amount_invalid"],
  [{ amount: 5, limit: "x" }, "amount_invalid"],
  [{ amount: ["7"] }, "amount_invalid"],
  [{ amount: "0", currency: "x" }, "invalid_request"],
  [{ limit: "5" }, "invalid_request"],
  [[], "invalid_request"],
  [{ amount: "1", limit: null }, undefined],
])("%j is %s", (value, code) => {
  expect(codeOf(value)).toBe(code);
});

test("reports every fault, up to a bound, and then how many more there are", () => {
  const many = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`x${n}`, 1]));
  const misfit = payment({ amount: "1", ...many });
  expect(misfit?.faults).toHaveLength(50);
  const errors = misfit && bodyProblem(misfit).errors;
  expect(errors).toHaveLength(51);
  expect(errors?.[49]).toEqual({ pointer: "/x49", detail: "is not a known field" });
  expect(errors?.[50]).toEqual({ pointer: "", detail: "150 more faults are not listed" });
  expect(compileCheck({ type: "object", additionalProperties: false }, 8)({ ...many })).toMatchObject({ more: 192 });
  const one = Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`x${n}`, 1]));
  const last = bodyProblem(payment({ amount: "1", ...one }) ?? { amounts: false, faults: [], more: 0 }).errors.at(-1);
  expect(last).toEqual({ pointer: "", detail: "1 more fault is not listed" });
  expect(payment({ amount: "1" })).toBeUndefined();
  expect(payment({ amount: "1", "a/b~c": 1 })?.faults).toEqual([
    { pointer: "/a~1b~0c", detail: "is not a known field" },
  ]);
});

test("cuts a client's own long names in pointers, between characters", () => {
  const check = compileCheck({
    type: "object",
    properties: { metadata: fields.metadata },
    additionalProperties: false,
  });
  const pointers = (value: unknown) => check(value)?.faults.map(({ pointer }) => pointer);
  expect(pointers({ ["x".repeat(1_000_000)]: 1 })).toEqual([`/${"x".repeat(63)}…`]);
  expect(pointers({ ["😀".repeat(100)]: 1 })).toEqual([`/${"😀".repeat(31)}…`]);
  expect(pointers({ metadata: { ["y".repeat(500)]: "a\nb" } })).toEqual([
    `/metadata/${"y".repeat(63)}…`,
    `/metadata/${"y".repeat(63)}…`,
  ]);
});

test("reports a key in metadata at the key, unless that would repeat a card number", () => {
  const check = compileCheck({ type: "object", properties: { metadata: fields.metadata } });
  const detail = "must not hold control characters or a card number";
  expect(check({ metadata: { "a\u0001": "x" } })?.faults).toEqual([{ pointer: "/metadata/a\u0001", detail }]);
  expect(check({ metadata: { "4111111111111111": "x" } })?.faults).toEqual([{ pointer: "/metadata", detail }]);
  const pointers = check({ metadata: { "4111_1111_1111_1111": 1 } })?.faults.map(({ pointer }) => pointer);
  expect(pointers).toEqual(["/metadata", "/metadata"]);
});

test("does not repeat a field that is a card number", () => {
  expect(payment({ amount: "1", "4111 1111 1111 1111": 1 })?.faults).toEqual([
    { pointer: "", detail: "is not a known field" },
  ]);
});

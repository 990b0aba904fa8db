import { expect, it } from "vitest";
import {
  alice,
  bob,
  capture,
  close,
  freeze,
  HKD,
  noPayment,
  open,
  pay,
  payOut,
  refund,
  shop,
  topUp,
  transfer,
  unfreeze,
  voidOf,
} from "../../testing/examples.ts";
import type { ClientCommand } from "../commands.ts";
import { reject } from "../rejections.ts";
import { needs } from "./decide.ts";
import { declined } from "./declined.ts";

const rejection = reject("insufficient_funds", "too little");
const refusal = { code: "insufficient_funds", detail: "too little" };
const rail = { rail: "fps", amount: 5n, currency: HKD };

it.each<[ClientCommand, object]>([
  [freeze(alice), { type: "AccountChangeDeclined", change: "freeze", account: alice }],
  [unfreeze(alice), { type: "AccountChangeDeclined", change: "unfreeze", account: alice }],
  [close(alice), { type: "AccountChangeDeclined", change: "close", account: alice }],
  [
    transfer([[alice, bob, 5n]]),
    { type: "TransferDeclined", legs: [{ from: alice, to: bob, amount: 5n }], currency: HKD },
  ],
  [topUp(5n), { type: "TopUpDeclined", account: alice, ...rail }],
  [payOut(5n), { type: "PayoutDeclined", account: shop, ...rail }],
  [pay(5n), { type: "PaymentDeclined", payer: alice, payee: shop, amount: 5n, currency: HKD, capture: "automatic" }],
  [capture(noPayment, 5n), { type: "CaptureDeclined", payment: noPayment, amount: 5n }],
  [voidOf(noPayment), { type: "VoidDeclined", payment: noPayment }],
  [refund(noPayment), { type: "RefundDeclined", payment: noPayment, amount: null }],
])("a refusal of %o is a fact that names its subject", (command, subject) => {
  expect(declined(command, rejection)).toEqual({ ...refusal, ...subject });
});

it("an unrecorded refusal cannot become a fact, nor can an opening be refused", () => {
  expect(() => declined(pay(1n), reject("account_not_found", "no"))).toThrow("never recorded");
  expect(() => declined(open(), rejection)).toThrow("opening");
});

it("every command names the data that its decision needs", () => {
  const none = { accounts: [], payment: null, clearing: null };
  expect(needs(open())).toEqual(none);
  expect(needs(freeze(alice))).toEqual({ ...none, accounts: [alice] });
  expect(needs(pay(1n))).toEqual({ ...none, accounts: [alice, shop] });
  expect(
    needs(
      transfer([
        [alice, bob, 1n],
        [bob, alice, 1n],
      ]),
    ),
  ).toEqual({ ...none, accounts: [alice, bob] });
  expect(needs(topUp(1n))).toMatchObject({ accounts: [alice], clearing: { rail: "fps", currency: HKD } });
  expect(needs(payOut(1n))).toMatchObject({ accounts: [shop], clearing: { rail: "fps", currency: HKD } });
  for (const command of [capture(noPayment), voidOf(noPayment), refund(noPayment)]) {
    expect(needs(command)).toEqual({ ...none, payment: noPayment });
  }
  expect(needs({ type: "ExpirePayment", payment: noPayment })).toEqual({ ...none, payment: noPayment });
});

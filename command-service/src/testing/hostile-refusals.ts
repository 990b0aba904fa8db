import type { Aim, HostileRequest } from "./hostile-requests.ts";
import type { HostileWorld } from "./hostile-world.ts";

/**
 * Well-formed requests that must not succeed. Those that would be recorded under their key are sent as dry runs, which
 * get the same answer without an append.
 */
export function hostileRefusals(aim: Aim, world: HostileWorld): readonly HostileRequest[] {
  const { payer, payee, foreign, captured, authorized, tokens, usedKey } = world;
  const pays = { payer, payee, amount: "5", currency: "HKD" };
  const json = (value: object) => ({ body: JSON.stringify(value) });
  const dry = { path: "/v1/payments?dryRun=true" };
  const on = (payment: string, verb: string, value: object, query = "?dryRun=true") => ({
    path: `/v1/payments/${payment}/${verb}${query}`,
    ...json(value),
  });
  return [
    aim("payer is payee", 422, "same_account", { ...dry, ...json({ ...pays, payee: payer }) }),
    aim("another currency", 422, "currency_mismatch", { ...dry, ...json({ ...pays, currency: "USD" }) }),
    aim("accounts of two currencies", 422, "currency_mismatch", { ...dry, ...json({ ...pays, payee: foreign }) }),
    aim("more than there is", 422, "insufficient_funds", { ...dry, ...json({ ...pays, amount: "1001" }) }),
    aim(
      "a capture over what is authorized",
      422,
      "capture_exceeds_authorized",
      on(authorized, "capture", { amount: "101" }),
    ),
    aim("a refund over what is captured", 422, "refund_exceeds_captured", on(captured, "refunds", { amount: "101" })),
    aim("a void after capture", 409, "payment_not_voidable", on(captured, "void", {})),
    aim("a capture after capture", 409, "payment_not_capturable", on(captured, "capture", {})),
    aim("a refund before capture", 409, "payment_not_refundable", on(authorized, "refunds", {})),
    aim("a used key with another body", 422, "idempotency_key_reused", { key: usedKey, ...json(pays) }),
    aim("a used key on another route", 422, "idempotency_key_reused", {
      key: usedKey,
      ...on(authorized, "void", {}, ""),
    }),
    aim("another's money", 404, "account_not_found", { token: tokens.thief }),
    aim("another tenant's money", 404, "account_not_found", { token: tokens.stranger }),
    aim("another tenant's payment", 404, "payment_not_found", {
      token: tokens.stranger,
      ...on(captured, "refunds", {}, ""),
    }),
    aim("another tenant's account", 404, "account_not_found", {
      token: tokens.stranger,
      path: `/v1/accounts/${payer}/close`,
      ...json({ reason: "mine" }),
    }),
  ];
}

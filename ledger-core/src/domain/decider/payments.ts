import type { AccountState } from "../account.ts";
import { AUTHORIZATION_LIFETIME_MAX_US, AUTHORIZATION_LIFETIME_US, type MakePayment } from "../commands.ts";
import type { Decision, DecisionContext, LedgerState } from "../decision.ts";
import { makeId } from "../ids.ts";
import type { Payment } from "../payment.ts";
import { type Rejection, reject } from "../rejections.ts";
import { businessDate, type Micros } from "../time.ts";
import {
  absentAccount,
  accepted,
  accountInTenant,
  accountToUse,
  frozen,
  insufficientFunds,
  invalidAmount,
  isLedgersOwn,
  notOpen,
  otherCurrency,
  overLimit,
  refused,
  tooLarge,
} from "./checks.ts";

/**
 * Charges at once (automatic capture), or holds the amount until it is captured, voided or expires. Only this decision
 * checks the payer's limits and funds. The payee's balance is checked only when money moves.
 */
export function decideMakePayment(state: LedgerState, command: MakePayment, context: DecisionContext): Decision {
  const { amount, currency, capture } = command;
  const { caller, now } = context;
  const invalid = invalidAmount(amount) ?? invalidExpiry(command, now);
  if (invalid) return refused(invalid);
  const payer = accountToUse(state, caller, command.payer);
  if (payer === undefined || isLedgersOwn(payer)) return refused(absentAccount(command.payer));
  const payee = accountInTenant(state, caller, command.payee);
  if (payee === undefined || isLedgersOwn(payee)) return refused(absentAccount(command.payee));
  const { posted, held } = payer.balances;
  const charged = capture === "automatic";
  const payeeAfter = payee.balances.posted + amount;
  const rejection =
    sameAccount(payer, payee) ??
    otherCurrency(payer, currency) ??
    otherCurrency(payee, currency) ??
    notOpen(payer) ??
    notOpen(payee) ??
    frozen(payer) ??
    overLimit(payer, amount, now) ??
    insufficientFunds(payer, posted, amount) ??
    (charged ? tooLarge(payer, posted - amount, held) : tooLarge(payer, posted, held + amount)) ??
    (charged ? tooLarge(payee, payeeAfter, payee.balances.held) : undefined);
  if (rejection) return refused(rejection);

  const payment = newPayment(command, payer, payee, context);
  if (!charged) {
    return accepted({ type: "PaymentAuthorized", payment, hold: { account: payer.id, amount, held: held + amount } });
  }
  return accepted({
    type: "PaymentCharged",
    payment,
    postings: [
      { account: payer.id, amount: -amount, balance: posted - amount, date: businessDate(now, payer.timeZone) },
      { account: payee.id, amount, balance: payeeAfter, date: businessDate(now, payee.timeZone) },
    ],
  });
}

/** Checks `expiresAt` of automatic payments too, although they never expire: a bad one is a client's mistake. */
function invalidExpiry({ expiresAt }: MakePayment, now: Micros): Rejection | undefined {
  if (expiresAt === null) return undefined;
  if (expiresAt <= now) {
    return reject("invalid_request", "expiresAt has passed; name a time to come, or none.", "/expiresAt");
  }
  if (expiresAt <= now + AUTHORIZATION_LIFETIME_MAX_US) return undefined;
  return reject("invalid_request", "expiresAt is more than 400 days ahead; name an earlier time.", "/expiresAt");
}

function sameAccount(payer: AccountState, payee: AccountState): Rejection | undefined {
  if (payer.id !== payee.id) return undefined;
  return reject("same_account", "Payer and payee are the same account; name two accounts.");
}

function newPayment(
  command: MakePayment,
  payer: AccountState,
  payee: AccountState,
  { mint, now }: DecisionContext,
): Payment {
  const charged = command.capture === "automatic";
  return {
    id: makeId("pay", mint(0)),
    tenant: payee.tenant,
    payer: command.payer,
    payee: command.payee,
    payeeType: payee.type,
    amount: command.amount,
    currency: command.currency,
    status: charged ? "captured" : "authorized",
    captured: charged ? command.amount : 0n,
    refunded: 0n,
    held: charged ? 0n : command.amount,
    fee: 0n,
    capture: command.capture,
    reference: command.reference,
    metadata: command.metadata,
    createdAt: now,
    expiresAt: charged ? null : (command.expiresAt ?? now + AUTHORIZATION_LIFETIME_US),
    spentOn: charged || payer.limits.perDay === null ? null : businessDate(now, payer.timeZone),
  };
}

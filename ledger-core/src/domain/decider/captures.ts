import type { CapturePayment } from "../commands.ts";
import type { Decision, DecisionContext, LedgerState } from "../decision.ts";
import { type Amount, formatAmount } from "../money.ts";
import type { Payment } from "../payment.ts";
import { type Rejection, reject } from "../rejections.ts";
import { businessDate, type Micros } from "../time.ts";
import {
  absentPayment,
  accepted,
  invalidAmount,
  isSameDay,
  notOpen,
  paymentToUse,
  refused,
  tooLarge,
} from "./checks.ts";
import { statusOf } from "./payment-status.ts";

/**
 * Moves what was authorized, or a part of it, to the payee; a final capture releases the rest. It asks neither the
 * payer's funds nor its ceilings nor whether it is frozen: the authorization did, and available does not fall by it.
 */
export function decideCapture(state: LedgerState, command: CapturePayment, context: DecisionContext): Decision {
  const invalid = command.amount === null ? undefined : invalidAmount(command.amount);
  if (invalid) return refused(invalid);
  const found = paymentToUse(state, context.caller, command.payment);
  if (found === undefined) return refused(absentPayment(command.payment));
  const { payment, payer, payee } = found;
  const amount = command.amount ?? payment.held;
  const released = command.final ? payment.held - amount : 0n;
  const payerAfter = payer.balances.posted - amount;
  const payeeAfter = payee.balances.posted + amount;
  const heldAfter = payer.balances.held - amount - released;
  const rejection =
    notCapturable(payment, amount, context.now) ??
    notOpen(payer) ??
    notOpen(payee) ??
    tooLarge(payer, payerAfter, heldAfter) ??
    tooLarge(payee, payeeAfter, payee.balances.held);
  if (rejection) return refused(rejection);

  const captured = payment.captured + amount;
  const held = payment.held - amount - released;
  return accepted({
    type: "PaymentCaptured",
    payment: { ...payment, captured, held, status: statusOf({ captured, held, refunded: payment.refunded }) },
    amount,
    released,
    sameDay: released > 0n && isSameDay(payment, payer, context.now),
    hold: { account: payer.id, amount: -(amount + released), held: heldAfter },
    postings: [
      { account: payer.id, amount: -amount, balance: payerAfter, date: businessDate(context.now, payer.timeZone) },
      { account: payee.id, amount, balance: payeeAfter, date: businessDate(context.now, payee.timeZone) },
    ],
  });
}

function notCapturable(payment: Payment, amount: Amount, now: Micros): Rejection | undefined {
  if (payment.status === "voided" || payment.captured === payment.amount) {
    return reject("payment_not_capturable", `Nothing of payment ${payment.id} is left to capture.`);
  }
  if (hasExpired(payment, now)) {
    return reject("payment_expired", `The authorization of payment ${payment.id} has expired; make a new payment.`);
  }
  if (payment.held === 0n) {
    return reject("payment_not_capturable", `What was left of payment ${payment.id} was released; make a new payment.`);
  }
  if (amount <= payment.held) return undefined;
  const left = `${formatAmount(payment.held, payment.currency)} ${payment.currency}`;
  return reject("capture_exceeds_authorized", `Of payment ${payment.id}, ${left} is left to capture; capture no more.`);
}

/**
 * By log time: an authorization is over at `expiresAt`, whether or not the event that releases it has been written yet.
 */
export function hasExpired(payment: Payment, now: Micros): boolean {
  return payment.status === "expired" || (payment.expiresAt !== null && now >= payment.expiresAt);
}

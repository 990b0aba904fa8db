import type { RefundPayment } from "../commands.ts";
import type { Decision, DecisionContext, LedgerState } from "../decision.ts";
import { makeId } from "../ids.ts";
import { type Amount, formatAmount } from "../money.ts";
import type { Payment } from "../payment.ts";
import { type Rejection, reject } from "../rejections.ts";
import { businessDate } from "../time.ts";
import { absentPayment, accepted, frozen, invalidAmount, notOpen, paymentToUse, refused, tooLarge } from "./checks.ts";
import { statusOf } from "./payment-status.ts";

/**
 * Refunds at most what was captured. Only a refund may take an account below its floor, and it does not count against
 * the payee's limits: a customer's refund must not wait for the merchant's next sale.
 */
export function decideRefund(state: LedgerState, command: RefundPayment, context: DecisionContext): Decision {
  const invalid = command.amount === null ? undefined : invalidAmount(command.amount);
  if (invalid) return refused(invalid);
  const found = paymentToUse(state, context.caller, command.payment);
  if (found === undefined) return refused(absentPayment(command.payment));
  const { payment, payer, payee } = found;
  const amount = command.amount ?? payment.captured - payment.refunded;
  const payeeAfter = payee.balances.posted - amount;
  const payerAfter = payer.balances.posted + amount;
  const rejection =
    notRefundable(payment, amount) ??
    notOpen(payee) ??
    notOpen(payer) ??
    frozen(payee) ??
    tooLarge(payee, payeeAfter, payee.balances.held) ??
    tooLarge(payer, payerAfter, payer.balances.held);
  if (rejection) return refused(rejection);

  const refunded = payment.refunded + amount;
  return accepted({
    type: "PaymentRefunded",
    refund: makeId("rfd", context.mint(0)),
    payment: { ...payment, refunded, status: statusOf({ ...payment, refunded }) },
    amount,
    feeReturned: 0n,
    reason: command.reason,
    postings: [
      { account: payee.id, amount: -amount, balance: payeeAfter, date: businessDate(context.now, payee.timeZone) },
      { account: payer.id, amount, balance: payerAfter, date: businessDate(context.now, payer.timeZone) },
    ],
  });
}

function notRefundable(payment: Payment, amount: Amount): Rejection | undefined {
  const left = payment.captured - payment.refunded;
  if (left === 0n) {
    const why = payment.captured === 0n ? "was captured" : "is left to refund";
    return reject("payment_not_refundable", `Nothing of payment ${payment.id} ${why}.`);
  }
  if (amount <= left) return undefined;
  const most = `${formatAmount(left, payment.currency)} ${payment.currency}`;
  return reject("refund_exceeds_captured", `Of payment ${payment.id}, ${most} is left to refund; refund no more.`);
}

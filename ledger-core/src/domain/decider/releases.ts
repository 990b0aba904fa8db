import type { AccountState } from "../account.ts";
import type { ExpirePayment, VoidPayment } from "../commands.ts";
import type { Decision, DecisionContext, LedgerState } from "../decision.ts";
import type { HoldChange } from "../events.ts";
import type { Amount } from "../money.ts";
import type { Payment } from "../payment.ts";
import { type Rejection, reject } from "../rejections.ts";
import type { Micros } from "../time.ts";
import { hasExpired } from "./captures.ts";
import { absentPayment, accepted, isSameDay, paymentToUse, refused } from "./checks.ts";
import { statusOf } from "./payment-status.ts";

/** Releases a hold, whatever the status of the accounts: a release takes nothing from anyone. */
export function decideVoid(state: LedgerState, command: VoidPayment, context: DecisionContext): Decision {
  const found = paymentToUse(state, context.caller, command.payment);
  if (found === undefined) return refused(absentPayment(command.payment));
  const { payment, payer } = found;
  const rejection = notVoidable(payment, context.now);
  if (rejection) return refused(rejection);
  return accepted({ type: "PaymentVoided", ...release(payment, payer, context.now, "voided") });
}

/** The ledger's own command, without policy or key: a refusal only means that there is nothing to expire. */
export function decideExpiry(state: LedgerState, command: ExpirePayment, context: DecisionContext): Decision {
  const payment = state.payment(command.payment);
  const payer = payment && state.account(payment.payer);
  if (payment === undefined || payer === undefined) return refused(absentPayment(command.payment));
  if (payment.held === 0n || payment.expiresAt === null || context.now < payment.expiresAt) {
    return refused(reject("payment_not_voidable", `Payment ${payment.id} has nothing that expires now.`));
  }
  return accepted({ type: "PaymentExpired", ...release(payment, payer, context.now, "expired") });
}

function release(
  payment: Payment,
  payer: AccountState,
  now: Micros,
  ended: "voided" | "expired",
): { payment: Payment; released: Amount; sameDay: boolean; hold: HoldChange } {
  const released = payment.held;
  return {
    payment: { ...payment, held: 0n, status: statusOf({ ...payment, held: 0n }, ended) },
    released,
    sameDay: isSameDay(payment, payer, now),
    hold: { account: payment.payer, amount: -released, held: payer.balances.held - released },
  };
}

function notVoidable(payment: Payment, now: Micros): Rejection | undefined {
  if (payment.status === "voided" || payment.captured === payment.amount) {
    return reject(
      "payment_not_voidable",
      `Nothing of payment ${payment.id} is left to void; refund what was captured.`,
    );
  }
  if (hasExpired(payment, now)) {
    return reject(
      "payment_expired",
      `The authorization of payment ${payment.id} has expired; there is nothing to void.`,
    );
  }
  if (payment.held > 0n) return undefined;
  return reject("payment_not_voidable", `What was left of payment ${payment.id} was released before.`);
}

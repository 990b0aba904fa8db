import type { Caller, ClientCommand, Micros } from "ledger-core";
import type { AuditBooks, PaymentBook } from "./books.ts";
import { absent, ceilings, type ExpectedOutcome, inTenant, refusedOr, short, tooLarge, usable } from "./grounds.ts";

/** 400 days. */
const EXPIRY_MOST_US = 34_560_000_000_000;

type PaymentStep = Extract<ClientCommand, { type: "MakePayment" | "CapturePayment" | "VoidPayment" | "RefundPayment" }>;

export function expectPaymentStep(
  books: AuditBooks,
  command: PaymentStep,
  caller: Caller,
  at: Micros,
): ExpectedOutcome {
  if (command.type === "MakePayment") return expectPayment(books, command, caller, at);
  const payment = books.payments.get(command.payment);
  const payee = payment && usable(books, caller, payment.payee);
  const payer = payment && books.accounts.get(payment.payer);
  if (!payment || !payee || !payer) return absent("payment_not_found");
  const closed = (payer.status === "closed" || payee.status === "closed") && "account_not_open";
  switch (command.type) {
    case "CapturePayment": {
      const amount = command.amount ?? payment.held;
      const over = amount > payment.held && "capture_exceeds_authorized";
      const large = tooLarge(payee, payee.posted + amount) && "amount_too_large";
      const release = command.final ? payment.held - amount : 0n;
      const codes =
        payment.held === 0n
          ? ["payment_not_capturable", "payment_expired"]
          : [hasExpired(payment, at) && "payment_expired", over, closed, large];
      return refusedOr(codes, {
        kind: "accepted",
        type: "PaymentCaptured",
        moves: [
          [payer.id, -amount],
          [payee.id, amount],
        ],
        hold: [payer.id, -amount - release],
        spends: [],
      });
    }
    case "VoidPayment":
      return refusedOr(
        payment.held === 0n
          ? ["payment_not_voidable", "payment_expired"]
          : [hasExpired(payment, at) && "payment_expired"],
        { kind: "accepted", type: "PaymentVoided", moves: [], hold: [payer.id, -payment.held], spends: [] },
      );
    case "RefundPayment": {
      const left = payment.captured - payment.refunded;
      const amount = command.amount ?? left;
      const codes =
        left === 0n
          ? ["payment_not_refundable"]
          : [
              amount > left && "refund_exceeds_captured",
              closed,
              payee.status === "frozen" && "account_frozen",
              (tooLarge(payee, payee.posted - amount) || tooLarge(payer, payer.posted + amount)) && "amount_too_large",
            ];
      return refusedOr(codes, {
        kind: "accepted",
        type: "PaymentRefunded",
        moves: [
          [payee.id, -amount],
          [payer.id, amount],
        ],
        hold: null,
        spends: [],
      });
    }
    default:
      return command satisfies never;
  }
}

function expectPayment(
  books: AuditBooks,
  command: Extract<PaymentStep, { type: "MakePayment" }>,
  caller: Caller,
  at: Micros,
): ExpectedOutcome {
  const { amount, currency, expiresAt, capture } = command;
  const payer = usable(books, caller, command.payer);
  const payee = inTenant(books, caller, command.payee);
  if (expiresAt !== null && (expiresAt <= at || expiresAt > at + EXPIRY_MOST_US)) return absent("invalid_request");
  if (!payer || !payee || payer.type === "clearing" || payee.type === "clearing") return absent("account_not_found");
  const charged = capture === "automatic";
  const large = charged
    ? tooLarge(payer, payer.posted - amount) || tooLarge(payee, payee.posted + amount)
    : tooLarge(payer, payer.posted, payer.held + amount);
  return refusedOr(
    [
      payer.id === payee.id && "same_account",
      (payer.currency !== currency || payee.currency !== currency) && "currency_mismatch",
      payee.status === "closed" && "account_not_open",
      ...ceilings(payer, amount, at),
      short(payer, amount) && "insufficient_funds",
      large && "amount_too_large",
    ],
    {
      kind: "accepted",
      type: charged ? "PaymentCharged" : "PaymentAuthorized",
      moves: charged
        ? [
            [payer.id, -amount],
            [payee.id, amount],
          ]
        : [],
      hold: charged ? null : [payer.id, amount],
      spends: [[payer.id, amount]],
    },
  );
}

/** An authorization expires at `expiresAt`, by the log's time. */
export function hasExpired({ expiresAt, ended }: PaymentBook, at: Micros): boolean {
  return ended === "expired" || (expiresAt !== null && at >= expiresAt);
}

import type { EdgeChange, LedgerEvent, Payment, Projection } from "ledger-core";

/**
 * Who paid which merchant: an edge while some of a payment's money stays with the merchant; and which merchants are not
 * open.
 */
export const graphProjection: Projection<EdgeChange> = { name: "graph", version: 2, project };

function project(event: LedgerEvent): readonly EdgeChange[] {
  const { fact } = event;
  switch (fact.type) {
    case "PaymentCharged":
      return paid(event, fact.payment, fact.payment.captured);
    case "PaymentCaptured":
      return paid(event, fact.payment, fact.amount);
    case "PaymentRefunded":
      return toMerchant(fact.payment) && fact.payment.refunded === fact.payment.captured
        ? [{ kind: "retracted", payment: fact.payment.id }]
        : [];
    case "AccountFrozen":
    case "AccountUnfrozen":
    case "AccountClosed": {
      const { id, type, status } = fact.account;
      return type === "merchant" ? [{ kind: "standing", merchant: id, open: status === "open" }] : [];
    }
    default:
      return [];
  }
}

/** The capture that first leaves the merchant with money makes the edge; later ones change nothing of it. */
function paid(event: LedgerEvent, payment: Payment, captured: bigint): readonly EdgeChange[] {
  const before = payment.captured - captured - payment.refunded;
  if (!toMerchant(payment) || before > 0n) return [];
  const { id, tenant, payer, payee } = payment;
  return [{ kind: "paid", tenant, payment: id, payer, merchant: payee, event: event.id }];
}

function toMerchant(payment: Payment): boolean {
  return payment.payeeType === "merchant";
}

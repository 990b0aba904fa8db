import type { EdgeChange, LedgerEvent, Payment, Projection } from "ledger-core";

/**
 * Which payer paid which merchant, as one edge per payment that is not fully refunded, and which merchants are not
 * open.
 */
export const graphProjection: Projection<EdgeChange> = {
  name: "graph",
  project,
  projectCharge: ({ payeeType }) => (payeeType === "merchant" ? undefined : []),
};

function project(event: LedgerEvent): readonly EdgeChange[] {
  const { fact } = event;
  switch (fact.type) {
    case "PaymentCharged":
      return paid(event, fact.payment, fact.payment.captured);
    case "PaymentCaptured":
      return paid(event, fact.payment, fact.amount);
    case "PaymentRefunded":
      return toMerchant(fact.payment) && fact.payment.refunded === fact.payment.captured
        ? [retracted(event, fact.payment)]
        : [];
    case "AccountFrozen":
    case "AccountUnfrozen":
    case "AccountClosed": {
      const { id, type, status } = fact.account;
      return type === "merchant" ? [{ kind: "standing", merchant: id, open: status === "open", event: event.id }] : [];
    }
    default:
      return [];
  }
}

/** The first capture that leaves money with the merchant adds the edge; later captures do not change it. */
function paid(event: LedgerEvent, payment: Payment, captured: bigint): readonly EdgeChange[] {
  const before = payment.captured - captured - payment.refunded;
  if (!toMerchant(payment) || before > 0n) return [];
  const { id, tenant, payer, payee } = payment;
  return [{ kind: "paid", tenant, payment: id, payer, merchant: payee, event: event.id }];
}

function retracted(event: LedgerEvent, { id, payer, payee }: Payment): EdgeChange {
  return { kind: "retracted", payment: id, payer, merchant: payee, event: event.id };
}

function toMerchant(payment: Payment): boolean {
  return payment.payeeType === "merchant";
}

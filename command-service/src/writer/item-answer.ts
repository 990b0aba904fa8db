import type { Fact, LedgerEvent } from "ledger-core";
import type { BulkItemAnswer } from "../writer-port.ts";

/** The answer to an item, from its answering event. */
export function itemAnswer(event: LedgerEvent): BulkItemAnswer {
  const id = objectId(event.fact);
  return id === undefined ? { kind: "declined", event } : { kind: "made", id, revision: event.revision };
}

/** The object that a bulk's item made; undefined when it was refused. */
function objectId(fact: Fact): string | undefined {
  switch (fact.type) {
    case "PaymentCharged":
    case "PaymentAuthorized":
      return fact.payment.id;
    case "TransferPosted":
      return fact.transfer;
    case "TopUpSettled":
      return fact.topUp;
    case "PayoutSettled":
      return fact.payout;
    default:
      return undefined;
  }
}

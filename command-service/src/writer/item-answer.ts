import type { Fact, LedgerEvent, Rejection } from "ledger-core";
import type { BulkItemAnswer, ItemFault } from "../writer-port.ts";

/** The answer to an item of a bulk, from its answering event. */
export function itemAnswer(event: LedgerEvent): BulkItemAnswer {
  const id = objectId(event.fact);
  return id === undefined ? { kind: "declined", event } : { kind: "made", id, revision: event.revision };
}

/** The answer to an item for which nothing is recorded. */
export function refusedItem({ code, detail, pointer }: Rejection): BulkItemAnswer {
  return faultyItem({ code, detail, errors: pointer === undefined ? [] : [{ pointer, detail }] });
}

export function faultyItem(fault: ItemFault): BulkItemAnswer {
  return { kind: "fault", fault };
}

/** The id of the object that an item created; undefined if it was refused. */
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

import { assert, unreachable } from "./errors.ts";
import type { Fact, LedgerEvent, Posting } from "./events.ts";
import { type AccountId, type EntryId, entryId } from "./ids.ts";
import type { Amount, Currency } from "./money.ts";
import type { Position } from "./position.ts";
import type { BusinessDate, Micros } from "./time.ts";

export const entryTypes = ["payment", "refund", "transfer", "top-up", "payout"] as const;
export type EntryType = (typeof entryTypes)[number];

/** A posting from its account's point of view. */
export type Entry = {
  readonly id: EntryId;
  readonly tenant: string;
  readonly account: AccountId;
  readonly amount: Amount;
  readonly balanceAfter: Amount;
  readonly currency: Currency;
  readonly type: EntryType;
  readonly bookedAt: Micros;
  readonly effectiveDate: BusinessDate;
  readonly counterparty: AccountId;
  readonly reference: string | null;
  readonly source: { readonly kind: EntryType; readonly id: string };
  readonly position: Position;
};

type MovingFact = Extract<Fact, { readonly postings: readonly Posting[] }>;

/** Fields shared by all entries of a fact. */
type Source = {
  readonly kind: EntryType;
  readonly id: string;
  readonly reference: string | null;
  readonly currency: Currency;
};

/** One entry per posting; none for an event that moves no money. */
export function entriesOf({ at, shard, revision, origin, fact }: LedgerEvent): Entry[] {
  if (!("postings" in fact)) return [];
  const { postings } = fact;
  const position = { shard, revision };
  const { kind, id, reference, currency } = sourceOf(fact);
  return postings.map((posting, index) => {
    const counterparty = postings[index ^ 1];
    assert(counterparty, `posting ${index} of ${fact.type} ${id} has no counterpart`);
    return {
      id: entryId(at, position, index),
      tenant: origin.tenant,
      account: posting.account,
      amount: posting.amount,
      balanceAfter: posting.balance,
      currency,
      type: kind,
      bookedAt: at,
      effectiveDate: posting.date,
      counterparty: counterparty.account,
      reference,
      source: { kind, id },
      position,
    };
  });
}

/** The payment, transfer or other object that an event's postings belong to. */
export function sourceOf(fact: MovingFact): Source {
  switch (fact.type) {
    case "PaymentCharged":
    case "PaymentCaptured": {
      const { id, reference, currency } = fact.payment;
      return { kind: "payment", id, reference, currency };
    }
    case "PaymentRefunded": {
      const { reference, currency } = fact.payment;
      return { kind: "refund", id: fact.refund, reference, currency };
    }
    case "TransferPosted":
      return { kind: "transfer", id: fact.transfer, reference: fact.reference, currency: fact.currency };
    case "TopUpSettled":
      return { kind: "top-up", id: fact.topUp, reference: fact.externalId, currency: fact.currency };
    case "PayoutSettled":
      return { kind: "payout", id: fact.payout, reference: fact.externalId, currency: fact.currency };
    default:
      return unreachable(fact);
  }
}

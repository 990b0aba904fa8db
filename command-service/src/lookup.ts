import {
  type BulkRecorded,
  type Caller,
  decodeEvent,
  type LedgerEvent,
  type PaymentId,
  type Revision,
  readId,
  reject,
  type Shard,
} from "ledger-core";
import type { EventLog } from "ledger-core/event-log";
import { itemAnswer } from "./answers.ts";
import { hasPrint, type KeyCheck } from "./jobs.ts";
import type { DecisionState } from "./state/decision-state.ts";
import type { BulkItemAnswer } from "./submission.ts";

/** What the writer reads back from the log: never on the path of a new command under a new key. */
export type Lookup = {
  event(revision: Revision): Promise<LedgerEvent | undefined>;
  /** Settles whether one of these revisions answers a key: its `found` is set, or they are cleared. */
  key(caller: Caller, check: KeyCheck, revisions: readonly Revision[]): Promise<void>;
  /** Brings a payment into the state; false when the ledger has none of this id. */
  payment(id: PaymentId): Promise<boolean>;
  /** The answers of a recorded bulk, item by item. */
  bulk(recorded: BulkRecorded): Promise<BulkItemAnswer[]>;
};

export function openLookup(log: EventLog, shard: Shard, state: () => DecisionState): Lookup {
  async function event(revision: Revision): Promise<LedgerEvent | undefined> {
    for await (const [stored] of log.read(shard, revision, { limit: 1 })) if (stored) return decodeEvent(stored);
    return undefined;
  }

  return {
    event,
    async key(caller, check, revisions) {
      for (const revision of revisions) {
        const found = await event(revision);
        const origin = found?.origin;
        if (!found || origin?.key !== check.key || origin.sub !== caller.sub || origin.tenant !== caller.tenant)
          continue;
        check.found = hasPrint(check, origin.print) ? { event: found } : { rejection: keyReused };
        return;
      }
      check.cleared = [...check.cleared, ...revisions];
    },
    async payment(id) {
      if (readId(id).shard !== shard) return false;
      for (;;) {
        const revision = state().paymentRevision(id);
        if (revision > state().revision) return false;
        const found = await event(revision);
        if (!found || !("payment" in found.fact) || typeof found.fact.payment === "string") return false;
        if (found.fact.payment.id !== id) return false;
        state().admitPayment(found.fact.payment, revision);
        // A newer event of the payment may have come and been flushed meanwhile: then it is read instead.
        if (state().payment(id)) return true;
      }
    },
    async bulk(recorded) {
      const results: BulkItemAnswer[] = [];
      for (const outcome of recorded.outcomes) {
        if ("code" in outcome) {
          const { code, detail, errors } = outcome;
          for (let i = 0; i < outcome.count; i++) results.push({ kind: "fault", fault: { code, detail, errors } });
        } else {
          for await (const batch of log.read(shard, outcome.first, { limit: outcome.count })) {
            for (const stored of batch) results.push(itemAnswer(decodeEvent(stored)));
          }
        }
      }
      return results;
    },
  };
}

export const keyReused = reject(
  "idempotency_key_reused",
  "This Idempotency-Key was already used with another request; send a new key for a new request.",
);

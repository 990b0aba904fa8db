import {
  type BulkOutcome,
  type BulkRecorded,
  type Caller,
  decodeEvent,
  LedgerError,
  type LedgerEvent,
  type PaymentId,
  type Revision,
  readId,
  reject,
  type Shard,
} from "ledger-core";
import type { EventLog } from "ledger-core/event-log";
import type { DecisionState } from "../state/decision-state.ts";
import type { BulkItemAnswer } from "../writer-port.ts";
import { itemAnswer } from "./item-answer.ts";
import { isOfRequest, type KeyCheck } from "./jobs.ts";

/** What the writer reads back from the log: never on the path of a new command under a new key. */
export type Lookup = {
  event(revision: Revision): Promise<LedgerEvent | undefined>;
  /** Settles whether one of these revisions answers a key: its `found` is set, or they are cleared. */
  key(caller: Caller, check: KeyCheck, revisions: readonly Revision[]): Promise<void>;
  /** The same for many keys of a caller, in as few reads as their events are near each other. */
  keys(caller: Caller, wanted: readonly WantedKey[]): Promise<void>;
  /** Brings a payment into the state; false when the ledger has none of this id. */
  payment(id: PaymentId): Promise<boolean>;
  /** The answers of a recorded bulk, item by item. */
  bulk(recorded: BulkRecorded): Promise<BulkItemAnswer[]>;
};

export type WantedKey = { readonly check: KeyCheck; readonly revisions: readonly Revision[] };

export function openLookup(log: EventLog, shard: Shard, state: () => DecisionState): Lookup {
  async function event(revision: Revision): Promise<LedgerEvent | undefined> {
    for await (const [stored] of log.read(shard, revision, { limit: 1 })) if (stored) return decodeEvent(stored);
    return undefined;
  }

  async function keys(caller: Caller, wanted: readonly WantedKey[]): Promise<void> {
    const events = new Map<Revision, LedgerEvent>();
    const revisions = wanted.flatMap(({ revisions }) => revisions);
    for await (const event of readEvents(log, shard, revisions)) events.set(event.revision, event);
    for (const { check, revisions } of wanted) {
      if (revisions.some((revision) => answersKey(caller, check, events.get(revision)))) continue;
      check.cleared = [...check.cleared, ...revisions];
    }
  }

  return {
    event,
    key: (caller, check, revisions) => keys(caller, [{ check, revisions }]),
    keys,
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
    async bulk({ outcomes, faults }) {
      const answers = new Map<Revision, BulkItemAnswer>();
      for await (const event of readEvents(log, shard, outcomes.flatMap(revisionsOf)))
        answers.set(event.revision, itemAnswer(event));
      return outcomes.flatMap((outcome): BulkItemAnswer[] => {
        if ("fault" in outcome) return Array(outcome.count).fill({ kind: "fault", fault: faults[outcome.fault] });
        return revisionsOf(outcome).map((revision) => answers.get(revision) ?? missing(shard, revision));
      });
    },
  };
}

/** Sets the answer of a key if the event is that of this key; answers whether it is. */
function answersKey(caller: Caller, check: KeyCheck, event: LedgerEvent | undefined): boolean {
  const origin = event?.origin;
  if (!event || origin?.key !== check.key || origin.sub !== caller.sub || origin.tenant !== caller.tenant) return false;
  check.found = isOfRequest(check, event) ? { event } : { rejection: keyReused };
  return true;
}

function revisionsOf(outcome: BulkOutcome): Revision[] {
  return "fault" in outcome ? [] : Array.from({ length: outcome.count }, (_, nth) => outcome.first + nth);
}

function missing(shard: Shard, revision: Revision): never {
  throw new LedgerError("log_corrupt", `the log has no event ${revision} that a bulk answers from`, {
    position: { shard, revision },
  });
}

/** Events that are so near in the log are read together, with those between them. */
const GAP_MAX = 16;
/** Events of one read, so that no answer of the log is large. */
const READ_MAX = 256;

/** Reads these events in order of their revisions, each once, neighbors in one read. */
async function* readEvents(log: EventLog, shard: Shard, revisions: readonly Revision[]): AsyncGenerator<LedgerEvent> {
  const wanted = [...new Set(revisions)].sort((a, b) => a - b);
  for (let next = 0; next < wanted.length; ) {
    const first = wanted[next] ?? 0;
    const group = new Set<Revision>();
    for (let last = first; next < wanted.length; next++) {
      const revision = wanted[next] ?? 0;
      if (revision - last > GAP_MAX || revision - first >= READ_MAX) break;
      group.add(revision);
      last = revision;
    }
    const limit = Math.max(...group) - first + 1;
    for await (const batch of log.read(shard, first, { limit }))
      for (const stored of batch) if (group.has(stored.revision)) yield decodeEvent(stored);
  }
}

export const keyReused = reject(
  "idempotency_key_reused",
  "This Idempotency-Key was already used with another request; send a new key for a new request.",
);

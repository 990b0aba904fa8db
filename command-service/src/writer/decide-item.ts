import {
  type Caller,
  type Decision,
  type DecisionContext,
  declined,
  type Fact,
  type Origin,
  type Revision,
  readId,
  reject,
  rejections,
} from "ledger-core";
import { IN_EVENT, isKeptWhole } from "../fingerprint.ts";
import type { DecisionState } from "../state/decision-state.ts";
import type { Answer } from "../writer-port.ts";
import { addFacts, type Batch, type Incarnation, minter, originOf } from "./batch.ts";
import { done, type Item, type KeyCheck, requestPrint, type Step } from "./jobs.ts";
import type { Lookup } from "./lookup.ts";
import type { WriterParts } from "./parts.ts";

/** What a bulk may ask for beyond the bounds of its batch. */
export type BulkLimits = {
  readonly atomicItemsMax: number;
  readonly answerBytesMax: number;
  readonly lookAheadItems: number;
};

/** What deciding works with: the state, where the log is read, who writes, and the batch that is being filled. */
export type Deciding = {
  readonly decide: WriterParts["decide"];
  readonly state: DecisionState;
  readonly lookup: Lookup;
  readonly by: Incarnation;
  readonly batch: Batch;
  readonly bulkLimits: BulkLimits;
  /** What comes after this revision is the job's own and may be taken back: nothing of it is ever waited for. */
  readonly ownAfter: Revision;
  context: DecisionContext | undefined;
};

const later: Step<never> = { kind: "later" };
const full: Step<never> = { kind: "full" };
const unloaded: Step<never> = { kind: "unloaded" };

/** Whether a key was answered before. `done(null)` says that it is new. */
export function checkKey(on: Deciding, caller: Caller, check: KeyCheck): Step<Answer | null> {
  if (!check.found) {
    const unread = unreadOf(on, caller, check);
    if (unread === undefined) return unloaded;
    if (unread.length === 0) return done(null);
    if (unread.some((revision) => revision > on.state.settledAt)) return later;
    return { kind: "wait", until: on.lookup.key(caller, check, unread) };
  }
  return "event" in check.found
    ? done({ kind: "recorded", event: check.found.event, replayed: true })
    : done({ kind: "refused", rejection: check.found.rejection });
}

/** Where an event may stand that answers a key, and nobody has looked yet. Undefined when the key is not loaded. */
export function unreadOf(
  { state, ownAfter }: Deciding,
  { tenant, sub }: Caller,
  check: KeyCheck,
): readonly Revision[] | undefined {
  const { key, cleared } = check;
  const candidates = state.findKey(check, tenant, sub, key);
  if (candidates === undefined || candidates.length === 0) return candidates;
  return candidates.filter((revision) => revision <= ownAfter && !cleared.includes(revision));
}

/** Decides one command and adds its events to the batch, unless it was answered before. */
export function decideItem(on: Deciding, caller: Caller, item: Item): Step<Answer> {
  if (item.check) {
    const known = checkKey(on, caller, item.check);
    if (known.kind !== "done") return known;
    if (known.value) return done(known.value);
  }
  const loading = loadPayment(on, item);
  if (loading) return loading;

  const { state, batch, by } = on;
  const decision = on.decide(state, item.command, contextOf(on, caller));
  if (decision.kind === "refused" && !(item.check && rejections[decision.rejection.code].recorded)) {
    return done({ kind: "refused", rejection: decision.rejection });
  }
  const facts =
    item.check && decision.kind === "refused" ? [declined(item.command, decision.rejection)] : factsOf(decision);
  const event = addFacts(batch, state, by, facts, originOfItem(on, caller, item, facts));
  if (event === "full") return full;
  if (event === "too_large") return done({ kind: "refused", rejection: tooLargeForAnEvent });
  return done({ kind: "recorded", event, replayed: false });
}

/** One for all the items of a caller in a batch: its ids go on with the state. */
function contextOf(on: Deciding, caller: Caller): DecisionContext {
  if (on.context?.caller !== caller)
    on.context = { caller, now: on.batch.now, shard: on.by.shard, mint: minter(on.batch, on.state, on.by) };
  return on.context;
}

function factsOf(decision: Decision): readonly Fact[] {
  return decision.kind === "accepted" ? decision.facts : [];
}

/** The ledger's own command belongs to the tenant of its payment and has no key. */
function originOfItem(on: Deciding, caller: Caller, item: Item, facts: readonly Fact[]): Origin {
  if (item.check) {
    const inEvent = isKeptWhole(item.command) && facts[0]?.type === "PaymentCharged";
    return originOf(caller, item.check.key, inEvent ? IN_EVENT : requestPrint(item.check));
  }
  return originOf({ tenant: on.state.payment(item.command.payment)?.tenant ?? "", sub: caller.sub }, null, null);
}

/** The step that brings the command's payment into the state; undefined when it is there, or is known to be nowhere. */
function loadPayment(on: Deciding, item: Item): Step<never> | undefined {
  if (!("payment" in item.command) || item.paymentAbsent) return undefined;
  const { payment } = item.command;
  if (on.state.payment(payment)) return undefined;
  const { revision, shard } = readId(payment);
  // Not in the log yet: its event can be read once it is there.
  const applied = Math.min(on.state.revision, on.ownAfter);
  if (shard === on.by.shard && revision > on.state.settledAt && revision <= applied) return later;
  const until = on.lookup.payment(payment).then((found) => {
    item.paymentAbsent = !found;
  });
  return { kind: "wait", until };
}

const tooLargeForAnEvent = reject(
  "invalid_request",
  "The event of this command would be larger than the log takes; send shorter texts or fewer legs.",
);

/** A bulk's item must not bear the bulk's own key: both could not be answered under it. */
export const keyOfBulk = reject(
  "idempotency_key_reused",
  "An item bears the Idempotency-Key of the bulk itself; give every item a key of its own.",
);

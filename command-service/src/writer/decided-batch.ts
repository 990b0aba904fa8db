import {
  type Caller,
  decodeEvent,
  type Fact,
  frameEvent,
  idBody,
  type LedgerEvent,
  type Micros,
  makeId,
  type Origin,
  type Revision,
  type Shard,
} from "ledger-core";
import { EventFrames, type FramesMark } from "ledger-core/event-log";
import type { DecisionState } from "../state/decision-state.ts";
import type { Mark } from "../state/mark.ts";
import type { BulkItemAnswer } from "../writer-port.ts";
import type { Job } from "./jobs.ts";

/** What identifies the writer's present incarnation in the ids that it makes. */
export type Incarnation = { readonly shard: Shard; readonly salt: number };

/** Jobs that were decided, with their events: applied to the state, and not yet in the log. */
export type DecidedBatch = {
  /** Log time of all its events: never before the last event in the log. */
  readonly now: Micros;
  /** The last revision before it. */
  readonly after: Revision;
  readonly events: EventFrames;
  readonly limits: BatchLimits;
  /** Answered after the append is durable, in this order. */
  readonly jobs: Job[];
  /** The results of the bulks that it records, by the revision of the record. */
  readonly results: Map<Revision, readonly BulkItemAnswer[]>;
  /** Events that were read back from it: one object of each, however many keys it answers. */
  readonly readBack: Map<Revision, LedgerEvent>;
};

export type BatchLimits = {
  /** No event is larger, as it lies in the batch. */
  readonly eventBytesMax: number;
  /** Nor is a batch, which is one append. */
  readonly batchBytesMax: number;
};

export type BatchMark = { readonly state: Mark; readonly events: FramesMark };

export function openBatch(
  state: DecisionState,
  clock: Micros,
  limits: BatchLimits,
  events = new EventFrames(),
): DecidedBatch {
  const now = Math.max(clock, state.at);
  return { now, after: state.revision, events, limits, jobs: [], results: new Map(), readBack: new Map() };
}

/** An event of a batch, read back from its bytes; undefined when the batch has none of this revision. */
export function eventOf(batch: DecidedBatch, shard: Shard, revision: Revision): LedgerEvent | undefined {
  const { after, events, readBack } = batch;
  const nth = revision - after - 1;
  if (nth < 0 || nth >= events.length) return undefined;
  const event = readBack.get(revision) ?? decodeEvent({ ...events.at(nth), shard, revision });
  readBack.set(revision, event);
  return event;
}

export function markBatch(batch: DecidedBatch, state: DecisionState): BatchMark {
  return { state: state.mark(), events: batch.events.mark() };
}

export function rollbackBatch(batch: DecidedBatch, state: DecisionState, mark: BatchMark): void {
  state.rollbackTo(mark.state);
  batch.events.truncate(mark.events);
  batch.readBack.clear();
}

/** The 26 characters of the id of the nth event after the state as it is then. */
export function minter(batch: DecidedBatch, state: DecisionState, by: Incarnation): (index: number) => string {
  return (index) => idBody(batch.now, { shard: by.shard, revision: state.revision + 1 + index }, by.salt);
}

const nothing: LedgerEvent[] = [];

/**
 * Gives facts their identity, adds them to the batch and applies them to the state; returns the last, the answering
 * event.
 * `full`: they do not fit into what is left of the batch; `too_large`: not into any. Then nothing was changed.
 */
export function addFacts(
  batch: DecidedBatch,
  state: DecisionState,
  by: Incarnation,
  facts: readonly Fact[],
  origin: Origin,
): LedgerEvent | "full" | "too_large" {
  const { events, limits } = batch;
  const { size, length } = events;
  /** Of a decision of several facts, those before the last. */
  const before: LedgerEvent[] = facts.length > 1 ? [] : nothing;
  let last: LedgerEvent | undefined;
  for (let index = 0; index < facts.length; index++) {
    const fact = facts[index];
    if (!fact) break;
    const revision = state.revision + 1 + index;
    const answering = index === facts.length - 1;
    if (last) before.push(last);
    last = {
      id: makeId("evt", idBody(batch.now, { shard: by.shard, revision }, by.salt)),
      at: batch.now,
      shard: by.shard,
      revision,
      origin: answering ? origin : { ...origin, key: null, print: null },
      fact,
    };
    const start = events.size;
    frameEvent(events, last);
    const over = events.size > limits.batchBytesMax;
    if (!over && events.size - start <= limits.eventBytesMax) continue;
    const alone = length === 0 || events.size - start > limits.eventBytesMax;
    events.truncate({ size, length });
    return alone ? "too_large" : "full";
  }
  if (!last) throw new Error("a decision without a fact");
  for (const event of before) state.apply(event);
  state.apply(last);
  return last;
}

export function originOf(caller: Pick<Caller, "tenant" | "sub">, key: string | null, print: string | null): Origin {
  return { tenant: caller.tenant, sub: caller.sub, key, print };
}

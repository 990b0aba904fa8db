import {
  type Caller,
  type Fact,
  frameEvent,
  idBody,
  type LedgerError,
  type LedgerEvent,
  type Micros,
  makeId,
  type Origin,
  type Revision,
  type Shard,
} from "ledger-core";
import { EventFrames, type FramesMark } from "ledger-core/event-log";
import type { DecisionState, Mark } from "../state/decision-state.ts";

/** What identifies the writer's present incarnation in the ids that it makes. */
export type Incarnation = { readonly shard: Shard; readonly salt: number };

/** Events decided and applied to the state, not yet appended, and what to do when they are. */
export type Batch = {
  /** Log time of all its events: never before the last event in the log. */
  readonly now: Micros;
  /** The last revision before it. */
  readonly after: Revision;
  readonly events: EventFrames;
  readonly limits: BatchLimits;
  /** Run after the append is durable. */
  readonly answers: (() => void)[];
  /** Run when the append failed for certain. */
  readonly failures: ((error: LedgerError) => void)[];
};

export type BatchLimits = {
  /** No event is larger, as it lies in the batch. */
  readonly eventBytesMax: number;
  /** Nor is a batch, which is one append. */
  readonly batchBytesMax: number;
};

export type BatchMark = { readonly state: Mark; readonly events: FramesMark };

export function openBatch(state: DecisionState, clock: Micros, limits: BatchLimits, events = new EventFrames()): Batch {
  return {
    now: Math.max(clock, state.at),
    after: state.revision,
    events,
    limits,
    answers: [],
    failures: [],
  };
}

export function markBatch(batch: Batch, state: DecisionState): BatchMark {
  return { state: state.mark(), events: batch.events.mark() };
}

export function rollbackBatch(batch: Batch, state: DecisionState, mark: BatchMark): void {
  state.rollbackTo(mark.state);
  batch.events.truncate(mark.events);
}

/** The 26 characters of the id of the nth event after the state as it is then. */
export function minter(batch: Batch, state: DecisionState, by: Incarnation): (index: number) => string {
  return (index) => idBody(batch.now, { shard: by.shard, revision: state.revision + 1 + index }, by.salt);
}

const nothing: LedgerEvent[] = [];

/**
 * Gives facts their identity, adds them to the batch and applies them to the state; returns the last, the answering event.
 * `full`: they do not fit into what is left of the batch; `too_large`: not into any. Then nothing was changed.
 */
export function addFacts(
  batch: Batch,
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

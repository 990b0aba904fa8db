import {
  type Caller,
  decodeEvent,
  type Fact,
  frameEvent,
  idBody,
  isLedgerError,
  LedgerError,
  type LedgerEvent,
  type Micros,
  makeId,
  type Origin,
  type Revision,
  type Runtime,
  type Shard,
} from "ledger-core";
import { EventFrames, type EventLog, type FramesMark } from "ledger-core/event-log";
import type { DecisionState } from "../state/decision-state.ts";
import type { Mark } from "../state/mark.ts";
import type { BulkItemAnswer } from "../writer-port.ts";
import type { Job } from "./jobs.ts";

/** Identifies one run of the writer in the ids that it makes. */
export type Incarnation = { readonly shard: Shard; readonly salt: number };

/** Decided jobs and their events, which are applied to the state but not yet in the log. */
export type DecidedBatch = {
  /** Log time of all its events; never earlier than the last event in the log. */
  readonly now: Micros;
  /** The last revision before the batch. */
  readonly after: Revision;
  readonly events: EventFrames;
  readonly limits: BatchLimits;
  /** Answered in this order once the append is durable. */
  readonly jobs: Job[];
  /** Results of the bulks recorded in this batch, by the revision of the record. */
  readonly results: Map<Revision, readonly BulkItemAnswer[]>;
  /** Events read back from the batch: one object per event, however many keys it answers. */
  readonly readBack: Map<Revision, LedgerEvent>;
};

export type BatchLimits = {
  /** The largest event, header included. */
  readonly eventBytesMax: number;
  /** The largest batch, which is one append. */
  readonly batchBytesMax: number;
};

type BatchMark = { readonly state: Mark; readonly events: FramesMark };

export function openBatch(
  state: DecisionState,
  clock: Micros,
  limits: BatchLimits,
  events = new EventFrames(),
): DecidedBatch {
  const now = Math.max(clock, state.at);
  return { now, after: state.revision, events, limits, jobs: [], results: new Map(), readBack: new Map() };
}

/** Reads an event back from the batch's bytes; undefined if the batch has no event at this revision. */
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

/** Makes the 26 characters behind the prefix of an id, for the nth event after the state's revision. */
export function minter(batch: DecidedBatch, state: DecisionState, by: Incarnation): (index: number) => string {
  return (index) => idBody(batch.now, { shard: by.shard, revision: state.revision + 1 + index }, by.salt);
}

const nothing: LedgerEvent[] = [];

/**
 * Makes events of facts, adds them to the batch and applies them to the state. Returns the last one, which answers the
 * command. `full`: the rest of the batch has no room for them; `too_large`: no batch has. Then nothing has changed.
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
  /** The events before the last one, if there are several. */
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

const BACKOFF_MS = [20, 50, 100, 250, 500, 1000, 2000];

/**
 * Appends a batch, and returns once the outcome is known. While it is unknown, sends the same bytes, ids and revision
 * again: a new revision would write the batch twice. After a first unknown outcome, `log_unavailable` does not settle
 * it, since the earlier attempt may still arrive; only a success or another writer's event does.
 * @throws wrong_expected_revision, log_unavailable: nothing was written, and nothing will be
 */
export async function appendSurely(log: EventLog, shard: Shard, batch: DecidedBatch, runtime: Runtime): Promise<void> {
  let inDoubt = false;
  for (let attempt = 0; ; attempt++) {
    try {
      await log.append(shard, batch.after, batch.events);
      return;
    } catch (error) {
      inDoubt ||= isLedgerError(error, "outcome_unknown");
      if (!inDoubt || isLedgerError(error, "wrong_expected_revision") || !isLedgerError(error)) throw error;
      await runtime.delay(BACKOFF_MS[Math.min(attempt, BACKOFF_MS.length - 1)] ?? 0);
    }
  }
}

/**
 * Checks that no other writer has taken the shard, for a batch that answers without an append. A superseded writer does
 * not see later events, and would answer "no such account" for an account opened since.
 * @throws wrong_expected_revision: another writer wrote
 */
export async function assertUpToDate(log: EventLog, shard: Shard, batch: DecidedBatch): Promise<void> {
  const head = await log.head(shard);
  if (head === batch.after) return;
  throw new LedgerError("wrong_expected_revision", `shard ${shard} is at ${head}, this writer at ${batch.after}`);
}

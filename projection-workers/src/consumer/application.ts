import {
  type ChargeRow,
  decodeEvent,
  isLedgerError,
  LedgerError,
  type LedgerEvent,
  type Projection,
  type ProjectionTarget,
  type Revision,
  type Runtime,
  readChargeRow,
  type Shard,
} from "ledger-core";
import type { StoredEvent } from "ledger-core/event-log";
import { systemRuntime } from "ledger-core/process";

/** One projection of one shard into one target. */
export type Application<Change> = {
  readonly shard: Shard;
  readonly projection: Projection<Change>;
  readonly target: ProjectionTarget<Change>;
  /** The most events in the next transaction. */
  readonly batchMax: () => number;
  /** Called after each transaction, with how long it took, in ms. */
  readonly onApplied?: (revision: Revision, ms: number) => void;
  /** Default: the system's. */
  readonly runtime?: Runtime | undefined;
};

/** The events of one transaction, projected. */
export type ProjectedBatch<Change> = {
  /** The last event before them. */
  readonly at: Revision;
  /** The last event that could be projected. */
  upTo: Revision;
  readonly events: readonly StoredEvent[];
  readonly changes: Change[];
  /** Why the event after `upTo` cannot be projected. */
  fault: unknown;
  startMs: number;
};

/**
 * Projects and applies the events after `at`, skipping repeats. An event that cannot be projected or applied stops it;
 * the events before it are applied.
 * @returns the revision reached
 * @throws revision_gap when an event is not the next one
 * @throws poison_event that names the event
 */
export async function applyEvents<Change>(
  application: Application<Change>,
  at: Revision,
  events: readonly StoredEvent[],
): Promise<Revision> {
  const fresh = withoutRepeats(at, events);
  let reached = at;
  for (let from = 0; from < fresh.length; ) {
    const part = fresh.slice(from, from + application.batchMax());
    reached = await applyBatch(application, projected(application, reached, part));
    from += part.length;
  }
  return reached;
}

/** Drops events at or before the last one seen, also within one delivery. */
export function withoutRepeats(at: Revision, events: readonly StoredEvent[]): StoredEvent[] {
  let last = at;
  return events.filter(({ revision }) => {
    if (revision <= last) return false;
    last = revision;
    return true;
  });
}

function projected<Change>(application: Application<Change>, at: Revision, events: readonly StoredEvent[]) {
  const batch = openBatch(application, at, events);
  projectInto(batch, application, events);
  return batch;
}

/** @param events those that will be projected into it */
export function openBatch<Change>(
  { runtime = systemRuntime }: Pick<Application<Change>, "runtime">,
  at: Revision,
  events: readonly StoredEvent[],
): ProjectedBatch<Change> {
  return { at, upTo: at, events, changes: [], fault: undefined, startMs: runtime.elapsedMs() };
}

/** Projects the next events of a batch, up to the first that cannot be projected. */
export function projectInto<Change>(
  batch: ProjectedBatch<Change>,
  application: Application<Change>,
  events: readonly StoredEvent[],
): void {
  for (const stored of events) {
    try {
      for (const change of projectNext(application, batch.upTo, stored)) batch.changes.push(change);
      batch.upTo = stored.revision;
    } catch (error) {
      batch.fault = error;
      return;
    }
  }
}

/** @throws what the store throws, and then the batch's own fault */
export async function applyBatch<Change>(
  application: Application<Change>,
  batch: ProjectedBatch<Change>,
): Promise<Revision> {
  if (batch.upTo > batch.at) await applyChanges(application, batch);
  if (batch.fault !== undefined) throw batch.fault;
  return batch.upTo;
}

function projectNext<Change>({ shard, projection }: Application<Change>, at: Revision, stored: StoredEvent) {
  if (stored.revision !== at + 1) {
    throw new LedgerError("revision_gap", `${projection.name}: ${at + 1} should follow, and ${place(stored)} does`, {
      position: { shard, revision: at + 1 },
    });
  }
  try {
    const row = projection.projectCharge ? chargeRowOnce(stored) : null;
    return (row && projection.projectCharge?.(row)) ?? projection.project(decodeOnce(stored));
  } catch (error) {
    if (isLedgerError(error)) throw error;
    throw poison(projection.name, stored, error);
  }
}

async function applyChanges<Change>(application: Application<Change>, batch: ProjectedBatch<Change>): Promise<void> {
  const { shard, target, projection, onApplied, runtime = systemRuntime } = application;
  const { at, upTo, changes, events } = batch;
  try {
    await target.apply(shard, at, upTo, changes);
    onApplied?.(upTo, runtime.elapsedMs() - batch.startMs);
  } catch (error) {
    if (!isLedgerError(error, "poison_event") || error.position) throw error;
    const [only, ...others] = events.filter(({ revision }) => revision <= upTo);
    if (!only || others.length === 0) throw only ? poison(projection.name, only, error) : error;
    // One event of the batch was refused. Apply them one by one: those before it succeed, and it is identified.
    let reached = at;
    for (const stored of [only, ...others])
      reached = await applyBatch(application, projected(application, reached, [stored]));
  }
}

function poison(projection: string, stored: StoredEvent, cause: unknown): LedgerError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const { shard, revision } = stored;
  return new LedgerError("poison_event", `${projection} cannot apply ${place(stored)}: ${why}`, {
    cause,
    position: { shard, revision },
  });
}

function place({ id, type, version, shard, revision }: StoredEvent): string {
  return `event ${id} at ${shard}:${revision} (${type} version ${version})`;
}

/** `of` is the event itself; a copy of it with other fields is decoded again. `row` is null if there is none. */
type Decoded = { readonly of: StoredEvent; event: LedgerEvent | undefined; row: ChargeRow | null | undefined };
type Decodable = StoredEvent & { decoded?: Decoded };

/**
 * Decodes an event for the first projection that asks, and keeps the result on it for the others. A WeakMap would cost
 * more than decoding it again.
 * @throws LedgerError poison_event, incompatible
 */
export function decodeOnce(stored: Decodable): LedgerEvent {
  const decoded = decodedOf(stored);
  decoded.event ??= decodeEvent(stored);
  return decoded.event;
}

/** Like `decodeOnce`, for the row of a plain charge; null for all other events. */
export function chargeRowOnce(stored: Decodable): ChargeRow | null {
  const decoded = decodedOf(stored);
  if (decoded.row === undefined) decoded.row = readChargeRow(stored) ?? null;
  return decoded.row;
}

function decodedOf(stored: Decodable): Decoded {
  if (stored.decoded?.of !== stored) stored.decoded = { of: stored, event: undefined, row: undefined };
  return stored.decoded;
}

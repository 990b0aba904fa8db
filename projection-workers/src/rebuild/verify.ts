import {
  decodeEvent,
  isLedgerError,
  type LedgerErrorCode,
  type Position,
  type Projection,
  type ProjectionStore,
  parseId,
  REVISION_MAX,
  type Revision,
  readId,
  SHARD_MAX,
  type Shard,
  type StoreRow,
} from "ledger-core";
import type { EventSource, StoredEvent } from "ledger-core/event-log";
import { positionOf } from "ledger-core/sql";
import { compareAtOneMoment, type Difference, type RowObserver } from "./comparison.ts";
import { eventsUpTo, type FillOptions, makeFiller, stepsOf } from "./filling.ts";

/** A row in which the live build differs from the log. */
export type RowFinding = {
  readonly table: string;
  /** The values of the key, separated by `/`. */
  readonly key: string;
  /** `surplus`: only the live build has the row; `missing`: it should have it. */
  readonly kind: "changed" | "missing" | "surplus";
  /** The columns that differ, of a changed row. */
  readonly fields: readonly string[];
  readonly live: StoreRow | null;
  readonly right: StoreRow | null;
  /** The row's account and the event that made it, if the row names them. */
  readonly account: string | null;
  readonly event: string | null;
  /** Where that event is. */
  readonly position: Position | null;
};

/** `findings` are the first hundred of the `differing` rows; `faults` come from the engine's own integrity check. */
export type Verification = {
  readonly verdict: "equal" | "differs" | "unreadable";
  /** Where the live build was when it was compared. */
  readonly positions: readonly Position[];
  readonly rows: number;
  readonly differing: number;
  readonly findings: readonly RowFinding[];
  readonly faults: readonly string[];
};

export type VerifyOptions = FillOptions & {
  readonly shards: readonly Shard[];
  readonly onProgress?: (done: number, total: number) => void;
  readonly observe?: RowObserver;
};

/**
 * Compares a store, row for row, with the log at the same positions, by building the projection again in `scratch`, an
 * empty store. The live store is only read, at one moment, and continues.
 * @throws LedgerError log_unavailable, store_unavailable
 */
export async function verify<Change>(
  projection: Projection<Change>,
  { live, scratch }: { readonly live: ProjectionStore<Change>; readonly scratch: ProjectionStore<Change> },
  options: VerifyOptions,
): Promise<Verification> {
  const { log, shards, onProgress, observe } = options;
  const heads = new Map<Shard, Revision>();
  const reached = new Map<Shard, Revision>();
  const fill = makeFiller(projection, options, (shard, revision) => {
    reached.set(shard, revision);
    onProgress?.(eventsUpTo(reached), Math.max(eventsUpTo(heads), eventsUpTo(reached)));
  });
  try {
    const faults = await live.faults();
    for (const shard of shards) heads.set(shard, await live.checkpoint(shard));
    // Fill most of it before taking the moment, since the live store's WAL grows as long as a moment is held.
    for (const [shard, head] of heads) await fill(scratch, shard, head);
    const rebuilt = { store: scratch, build: await scratch.served() };
    const compared = await compareAtOneMoment(live, rebuilt, shards, { fill, steps: stepsOf(options), observe });
    const { positions, rows, differing, differences } = compared;
    const findings: RowFinding[] = [];
    for (const difference of differences) findings.push(await findingOf(log, difference));
    const verdict = faults.length > 0 ? "unreadable" : differing > 0 ? "differs" : "equal";
    return { verdict, positions, rows, differing, findings, faults };
  } catch (error) {
    if (!isLedgerError(error) || !unreadableCodes.has(error.code)) throw error;
    return unreadable(error.message);
  }
}

/** For a store that could be opened: a damaged schema reads as one of another version. */
export const unreadableCodes: ReadonlySet<LedgerErrorCode> = new Set([
  "store_damaged",
  "row_unreadable",
  "incompatible",
]);

/** The result for a store that cannot be read. */
export function unreadable(fault: string): Verification {
  return { verdict: "unreadable", positions: [], rows: 0, differing: 0, findings: [], faults: [fault] };
}

/** Names the account and the event of a difference. */
export async function findingOf(log: EventSource, { table, key, live, rebuilt }: Difference): Promise<RowFinding> {
  const row = rebuilt ?? live ?? {};
  const event = await eventAt(log, positionOfRow(row));
  return {
    ...{ table, key, live, right: rebuilt },
    kind: !rebuilt ? "surplus" : !live ? "missing" : "changed",
    fields: live && rebuilt ? Object.keys(rebuilt).filter((column) => live[column] !== rebuilt[column]) : [],
    account: await accountOf(log, table, row),
    event: event?.id ?? null,
    position: event && { shard: event.shard, revision: event.revision },
  };
}

async function accountOf(log: EventSource, table: string, row: StoreRow): Promise<string | null> {
  const named =
    row.account ?? row.payer ?? row.merchant ?? (table.includes("accounts") ? (row.number ?? row.id) : undefined);
  if (typeof named === "string" && parseId("acct", named)) return named;
  const event = await eventAt(log, numbered(named));
  const fact = event && decodeEvent(event).fact;
  return fact?.type === "AccountOpened" ? fact.account.id : null;
}

const prefixes = ["evt", "ent", "pay", "rfd", "txf", "top", "pyt", "acct"] as const;

async function eventAt(log: EventSource, at: Position | null): Promise<StoredEvent | null> {
  if (!at) return null;
  for await (const [event] of log.read(at.shard, at.revision, { limit: 1 }))
    if (event?.revision === at.revision) return event;
  return null;
}

/** The position of the event that made a row, if the row has it. */
function positionOfRow(row: StoreRow): Position | null {
  if (row.revision !== undefined) {
    const shard = row.shard === undefined ? shardOf(row.account) : Number(row.shard);
    return shard === undefined ? null : valid({ shard, revision: Number(row.revision) });
  }
  if (row.number !== undefined) return numbered(row.number);
  for (const named of [row.event, row.id, row.entry, row.payment]) {
    const position = numbered(named) ?? identified(named);
    if (position) return position;
  }
  return null;
}

function shardOf(account: unknown): Shard | undefined {
  return (numbered(account) ?? identified(account))?.shard;
}

/** Formats a position that the stores write as one number, and that printing has turned into text. */
function numbered(value: unknown): Position | null {
  const number = typeof value === "number" || (typeof value === "string" && /^\d+$/.test(value)) ? Number(value) : -1;
  return number < 0 ? null : valid(positionOf(number));
}

function identified(value: unknown): Position | null {
  for (const prefix of prefixes) {
    const id = typeof value === "string" ? parseId(prefix, value) : undefined;
    if (id) return readId(id);
  }
  return null;
}

function valid(position: Position): Position | null {
  const { shard, revision } = position;
  const whole = Number.isSafeInteger(shard) && Number.isSafeInteger(revision);
  return whole && shard >= 0 && shard <= SHARD_MAX && revision >= 0 && revision <= REVISION_MAX ? position : null;
}

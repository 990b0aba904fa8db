import {
  isLedgerError,
  LedgerError,
  NO_REVISION,
  publicReason,
  type Revision,
  type Runtime,
  type Shard,
} from "ledger-core";
import type { Delivery, EventSource, StoredEvent } from "ledger-core/event-log";
import type { Logger } from "ledger-core/process";
import { decodeOnce, type ProjectionStatus, passes, pause } from "projection-workers";
import { startBatch, type TableBatch } from "./delta/batch.ts";
import type { Row } from "./delta/columns.ts";
import type { DeltaTable } from "./delta/table.ts";
import { type Charge, chargeOnce } from "./tables/fast/charge.ts";
import type { Pseudonyms } from "./tables/pseudonyms.ts";
import type { ExportTable } from "./tables/tables.ts";

export type TableLoopOptions = {
  readonly log: EventSource;
  readonly shard: Shard;
  readonly table: ExportTable;
  readonly target: DeltaTable;
  readonly names: Pseudonyms;
  readonly logger: Logger;
  readonly runtime: Runtime;
  readonly signal: AbortSignal;
  readonly batchMax: number;
  readonly batchBytesMax: number;
  readonly everyMs: number;
  readonly againMs: number;
};

const RETRY_FIRST_MS = 100;
const RETRY_MOST_MS = 5000;

/**
 * Follows the log into one table of one shard, from the position in the table itself: rows are encoded as events
 * arrive, so that no event outlives its delivery, and committed together with their position. After any failure the
 * rows that were not committed are forgotten and read again.
 */
export function followTable(options: TableLoopOptions): {
  status(): ProjectionStatus;
  /** Resolves when the signal has ended it; rejects only on a bug. */
  readonly finished: Promise<void>;
} {
  const { table, shard, signal, logger, runtime, againMs } = options;
  const about = { projection: table.name, shard };
  let status: ProjectionStatus = {
    ...{ ...about, state: "catching_up", revision: NO_REVISION },
    ...{ reason: null, publicReason: null, damaged: false },
  };
  const set: SetStatus = (change) => {
    status = { ...status, ...change };
  };
  function tell(error: LedgerError, pauseMs: number): void {
    const { code, position } = error;
    if (passes(error)) logger.warn({ ...about, code, pauseMs, err: error }, "a table waits for the lake or the log");
    else logger.error({ ...about, code, position, pauseMs, err: error }, "the export of a table stopped");
    const state = passes(error) ? "retrying" : "halted";
    set({ state, reason: `${code}: ${error.message}`, publicReason: publicReason(error) });
  }
  async function run(): Promise<void> {
    let retryMs = RETRY_FIRST_MS;
    while (!signal.aborted) {
      const before = status.revision;
      try {
        await exportOn(options, before, set);
      } catch (error) {
        if (!isLedgerError(error)) throw error;
        if (status.revision > before || status.state === "live") retryMs = RETRY_FIRST_MS;
        const pauseMs = passes(error) ? retryMs : againMs;
        tell(error, pauseMs);
        await pause(runtime, pauseMs, signal);
        retryMs = Math.min(2 * retryMs, RETRY_MOST_MS);
      }
    }
    set({ state: "stopped", reason: null, publicReason: null });
  }
  return { status: () => status, finished: run() };
}

type Step = IteratorResult<Delivery, unknown>;
type SetStatus = (change: Partial<ProjectionStatus>) => void;

/**
 * One attempt: until the signal, or an error.
 * @param known the position that the table had when this exporter last looked
 */
async function exportOn(options: TableLoopOptions, known: Revision, set: SetStatus): Promise<void> {
  const { log, shard, target, table, runtime, signal, everyMs } = options;
  const at = await target.checkpoint(shard);
  set({ state: "catching_up", revision: at, reason: null, publicReason: null });
  if (at < known) throw setBack(table, { shard, at, known });
  const rows = gatherRows(options, at, set);
  const attempt = new AbortController();
  const deliveries = log.subscribe(shard, at + 1, AbortSignal.any([signal, attempt.signal]))[Symbol.asyncIterator]();
  let caughtUp: boolean = false;
  let next = deliveries.next();
  try {
    while (true) {
      const waits: boolean = caughtUp && rows.any();
      const step: Step | "late" = waits
        ? await within(runtime, next, rows.committedMs() + everyMs - runtime.elapsedMs())
        : await next;
      if (signal.aborted || (step !== "late" && step.done)) return;
      if (step === "late") await rows.commit();
      else {
        caughtUp = step.value.kind === "caught_up";
        if (step.value.kind === "events") await rows.add(step.value.events);
        next = deliveries.next();
      }
      if (caughtUp && !rows.any()) set({ state: "live" });
    }
  } finally {
    attempt.abort();
    next.catch(() => undefined);
    void deliveries.return?.().catch(() => undefined);
  }
}

/** The events since the last commit, as rows of the table, and their commit. */
function gatherRows(options: TableLoopOptions, from: Revision, set: SetStatus) {
  const { shard, table, target, runtime, batchMax, batchBytesMax } = options;
  const batch = startBatch(table);
  let [committed, reached] = [from, from];
  let committedMs = Number.NEGATIVE_INFINITY;

  async function commit(): Promise<void> {
    if (reached === committed) return;
    committedMs = runtime.elapsedMs();
    await target.commit(shard, committed, reached, batch).catch((error) => refuse(options, committed, error, set));
    committed = reached;
    set({ revision: committed });
  }
  const rows = inOrder(table, batch);
  /** Commits as often as the batch is full. An event that cannot be read stops it; those before it are committed. */
  async function add(events: readonly StoredEvent[]): Promise<void> {
    for (const stored of events) {
      if (stored.revision <= reached) continue;
      const fault = addNext(options, reached, stored, rows);
      if (fault) {
        rows.flush();
        await commit();
        throw fault;
      }
      reached = stored.revision;
      if (reached - committed < batchMax) continue;
      rows.flush();
      await commit();
    }
    rows.flush();
    if (batch.held() >= batchBytesMax) await commit();
  }
  return { add, commit, any: () => reached > committed, committedMs: () => committedMs };
}

/** Rows and charges on their way into the batch, each kind as many at a time as there are. */
function inOrder({ charges: lane }: ExportTable, batch: TableBatch) {
  let rows: Row[] = [];
  let charges: Charge[] = [];
  function flush(): void {
    if (rows.length > 0) batch.add(rows);
    if (charges.length > 0) lane.add(charges, batch);
    if (rows.length > 0) rows = [];
    if (charges.length > 0) charges = [];
  }
  return {
    add(more: readonly Row[]): void {
      if (more.length === 0) return;
      if (charges.length > 0) flush();
      for (const row of more) rows.push(row);
    },
    addCharge(charge: Charge): void {
      if (rows.length > 0) flush();
      charges.push(charge);
    },
    flush,
  };
}

/** Adds the rows of the next event. @returns an error if it has none */
function addNext(
  { shard, table, names }: TableLoopOptions,
  reached: Revision,
  stored: StoredEvent,
  rows: ReturnType<typeof inOrder>,
): LedgerError | undefined {
  const { id, type, version, revision } = stored;
  const place = () => `event ${id} at ${shard}:${revision} (${type} version ${version})`;
  if (revision !== reached + 1) {
    const text = `${table.name}: ${reached + 1} should follow, and ${place()} does`;
    return new LedgerError("revision_gap", text, { position: { shard, revision: reached + 1 } });
  }
  try {
    const charge = chargeOnce(stored, names);
    if (charge) rows.addCharge(charge);
    else rows.add(table.rows(decodeOnce(stored), stored, names));
    return undefined;
  } catch (error) {
    if (isLedgerError(error)) return error;
    const text = `${table.name} has no row for ${place()}: ${error instanceof Error ? error.message : String(error)}`;
    return new LedgerError("poison_event", text, { cause: error, position: { shard, revision } });
  }
}

/** Tells why a table refused rows: another exporter has added them, or the table has lost some. */
async function refuse(
  { shard, table, target }: TableLoopOptions,
  known: Revision,
  error: unknown,
  set: SetStatus,
): Promise<never> {
  if (!isLedgerError(error, "revision_gap")) throw error;
  const at = await target.checkpoint(shard);
  if (at === known) throw error;
  set({ revision: at });
  if (at < known) throw setBack(table, { shard, at, known }, error);
  const text = `${table.name}: another exporter has added shard ${shard} up to ${at}; this one steps back`;
  throw new LedgerError("not_ready", text, { cause: error });
}

type Place = { readonly shard: Shard; readonly at: Revision; readonly known: Revision };

function setBack({ name }: ExportTable, { shard, at, known }: Place, cause?: unknown): LedgerError {
  const text = `${name} holds shard ${shard} up to ${at}, and events up to ${known} were exported`;
  return new LedgerError("store_damaged", `${text}; it is exported again from there`, { cause });
}

/** The promise's value, or `late` when the time is over first. */
async function within<Value>(runtime: Runtime, promise: Promise<Value>, ms: number): Promise<Value | "late"> {
  if (ms <= 0) return "late";
  const timer = new AbortController();
  try {
    return await Promise.race([promise, pause(runtime, ms, timer.signal).then(() => "late" as const)]);
  } finally {
    timer.abort();
  }
}

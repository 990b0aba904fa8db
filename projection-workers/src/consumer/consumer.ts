import {
  isLedgerError,
  LedgerError,
  type LedgerErrorCode,
  NO_REVISION,
  publicReason,
  type Revision,
  type Runtime,
  type Shard,
} from "ledger-core";
import type { EventSource } from "ledger-core/event-log";
import { type Logger, systemRuntime } from "ledger-core/process";
import type { Application } from "./application.ts";
import { adaptBatches, type BatchTuning } from "./batch-size.ts";
import { gather } from "./gathering.ts";
import { pause } from "./pause.ts";
import { createPipeline } from "./pipeline.ts";

/**
 * State of a projection of one shard. `catching_up`: reads history; `live`: had applied everything when it last looked;
 * `retrying`: the store, the log or the broker is unavailable, or another worker applies the shard, and it
 * recovers by itself; `halted`: needs attention, nothing is
 * skipped.
 */
export type ProjectionStatus = {
  readonly projection: string;
  readonly shard: Shard;
  readonly state: "catching_up" | "live" | "retrying" | "halted" | "stopped";
  readonly revision: Revision;
  /** Why it stopped; for a poison event, names the event. */
  readonly reason: string | null;
  /** The same for callers without a token: leaves out driver messages, which may name a file, a host or a query. */
  readonly publicReason: string | null;
  /** It halted because its store is unreadable and must be rebuilt. */
  readonly damaged: boolean;
};

export type ConsumerOptions<Change> = Omit<Application<Change>, "onApplied" | "batchMax"> &
  BatchTuning & {
    readonly log: EventSource;
    readonly signal: AbortSignal;
    readonly logger: Logger;
    /** Called after each applied batch, and once at the start with the checkpoint. */
    readonly onProgress?: (projection: string, shard: Shard, revision: Revision) => void;
    /** Called after each change of state. */
    readonly onStatus?: (status: ProjectionStatus) => void;
    /** Timers and turns of the event loop. Default: the system's. */
    readonly runtime?: Runtime;
    /** The first pause after a failure, doubled at each further one up to the second; default 100 and 5000. */
    readonly retryMs?: { readonly first: number; readonly most: number };
  };

type ProjectionRun = {
  status(): ProjectionStatus;
  /** Resolves when it has stopped or halted; rejects only on a bug. */
  readonly finished: Promise<void>;
};

/**
 * Follows a shard's log from the target's checkpoint: each event is applied exactly once, in order, with the
 * checkpoint. Repeats are dropped; a gap or a poison event halts this projection of this shard and no other.
 */
export function runProjection<Change>(options: ConsumerOptions<Change>): ProjectionRun {
  const { projection, shard } = options;
  let status: ProjectionStatus = {
    projection: projection.name,
    shard,
    state: "catching_up",
    revision: NO_REVISION,
    reason: null,
    publicReason: null,
    damaged: false,
  };
  const set = (change: Partial<ProjectionStatus>) => {
    const before = status;
    status = { ...status, ...change };
    if (before.state !== status.state || before.reason !== status.reason) options.onStatus?.(status);
    if (before.revision !== status.revision) options.onProgress?.(projection.name, shard, status.revision);
  };
  return { status: () => status, finished: follow(options, set) };
}

type SetStatus = (change: Partial<ProjectionStatus>) => void;

async function follow<Change>(options: ConsumerOptions<Change>, set: SetStatus): Promise<void> {
  const { signal, logger, projection, shard, runtime = systemRuntime } = options;
  const { retryMs = { first: 100, most: 5000 } } = options;
  const about = { projection: projection.name, shard };
  let pauseMs = retryMs.first;
  let applied = NO_REVISION;
  const moved: SetStatus = (change) => {
    applied = change.revision ?? applied;
    // An attempt alone does not reset the pause.
    if (change.state !== "catching_up") pauseMs = retryMs.first;
    set(change);
  };
  while (!signal.aborted) {
    try {
      await consume(options, applied, moved);
    } catch (error) {
      if (!isLedgerError(error)) throw error;
      if (!passes(error)) {
        logger.error({ ...about, code: error.code, position: error.position, err: error }, "projection halted");
        return set({ state: "halted", ...reasons(error), damaged: isStoreDamage(error) });
      }
      logger.warn({ ...about, code: error.code, pauseMs, err: error }, "projection waits for its store");
      set({ state: "retrying", ...reasons(error) });
      await pause(runtime, pauseMs, signal);
      pauseMs = Math.min(pauseMs * 2, retryMs.most);
    }
  }
  set({ state: "stopped", reason: null });
}

function reasons(error: LedgerError): Pick<ProjectionStatus, "reason" | "publicReason"> {
  return { reason: `${error.code}: ${error.message}`, publicReason: publicReason(error) };
}

const passing: ReadonlySet<LedgerErrorCode> = new Set([
  ...(["store_unavailable", "log_unavailable", "not_ready"] as const),
  ...(["broker_unavailable", "mirror_refused"] as const),
]);

/** Transient faults; afterwards the checkpoint tells what was applied. */
export function passes({ code }: LedgerError): boolean {
  return passing.has(code);
}

/**
 * Damage reported by the driver, or a missing table. An event of a newer version is `incompatible` too, but has no
 * driver error as its cause.
 */
function isStoreDamage({ code, cause }: LedgerError): boolean {
  const isDriverError = cause instanceof Error && ("errcode" in cause || "errno" in cause);
  return code === "store_damaged" || (code === "incompatible" && isDriverError);
}

/**
 * Tells apart why the checkpoint refused events: it went back, so the store lost applied events; or it went ahead, so
 * another worker applies this shard, and this one steps back and continues from there.
 */
async function throwRefusal<Change>(
  { target, projection, shard }: Pick<ConsumerOptions<Change>, "target" | "projection" | "shard">,
  applied: Revision,
  error: unknown,
): Promise<never> {
  const at = isLedgerError(error, "revision_gap") ? await target.checkpoint(shard) : applied;
  if (at > applied) {
    const text = `${projection.name}: another worker has applied shard ${shard} up to ${at}; this one steps back`;
    throw new LedgerError("not_ready", text, { cause: error });
  }
  throw at === applied ? error : wentBack(projection.name, shard, { at, applied }, error);
}

type Lost = { readonly at: Revision; readonly applied: Revision };

function wentBack(projection: string, shard: Shard, { at, applied }: Lost, cause?: unknown): LedgerError {
  const lost = `the checkpoint of shard ${shard} is at ${at}, and events up to ${applied} were applied`;
  return new LedgerError("store_damaged", `${projection}: ${lost}`, { cause });
}

/**
 * @param applied the last event that this run knows to be applied. A store that came back without it was emptied or set
 * back; whoever keeps it must open it anew.
 */
async function consume<Change>(options: ConsumerOptions<Change>, applied: Revision, set: SetStatus): Promise<void> {
  const { log, shard, target, signal, projection, runtime = systemRuntime } = options;
  const batches = adaptBatches(options, runtime.elapsedMs);
  let at = await target.checkpoint(shard);
  if (at < applied) throw wentBack(projection.name, shard, { at, applied });
  set({ state: "catching_up", revision: at, reason: null });
  const pipeline = createPipeline(
    {
      ...options,
      batchMax: batches.next,
      onApplied(revision, ms) {
        batches.took(revision - at, ms);
        at = revision;
        set({ revision });
      },
    },
    at,
  );
  const explained = (work: Promise<void>) => work.catch((error) => throwRefusal(options, at, error));
  // End the subscription with this attempt.
  const attempt = new AbortController();
  const end = AbortSignal.any([signal, attempt.signal]);
  let live = false;
  try {
    const enough = { events: batches.next, bytes: options.batchBytesMax };
    for await (const { events, caughtUp, waited } of gather(log.subscribe(shard, at + 1, end), enough, runtime)) {
      if (signal.aborted) return;
      if (waited) batches.waited();
      await explained(pipeline.add(events));
      // From the log's end on, the next batch is what arrives while this one is applied.
      live ||= caughtUp;
      if (live) await explained(pipeline.idle());
      if (caughtUp) {
        batches.atEnd();
        set({ state: "live" });
      }
    }
    await explained(pipeline.idle());
  } finally {
    attempt.abort();
    // The next attempt reads the checkpoint.
    await pipeline.idle().catch(() => undefined);
  }
}

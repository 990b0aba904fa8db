import {
  isLedgerError,
  NO_REVISION,
  type ProjectionTarget,
  publicReason,
  type SessionChange,
  type Shard,
} from "ledger-core";
import type { EventSource } from "ledger-core/event-log";
import { type Logger, systemRuntime } from "ledger-core/process";
import type { SessionGeneration, SessionStore } from "ledger-core/redis";
import { type ProjectionStatus, runProjection } from "../consumer/consumer.ts";
import { pause } from "../consumer/pause.ts";
import { sessionProjection } from "../projections/session/projection.ts";
import { type ProjectionReport, type ProjectionTuning, REBUILDING } from "./reports.ts";

/** How session views are watched; each field states its default. */
type SessionsTuning = {
  /** The most events of one script, which keeps other scripts waiting. 1 to 10,000. Default 1000. */
  readonly batchMax: number;
  /** The pause between two looks for missing keys, in ms. 10 to 60,000. Default 1000. */
  readonly auditMs: number;
  /** The pause before views are begun again, doubled up to the second, in ms. 1 to 600,000. Default 100 and 60,000. */
  readonly againMs: { readonly first: number; readonly most: number };
};

const sessionsTuning: SessionsTuning = { batchMax: 1000, auditMs: 1000, againMs: { first: 100, most: 60_000 } };

type KeepSessionsOptions = {
  readonly store: SessionStore;
  readonly log: EventSource;
  readonly shards: readonly Shard[];
  readonly logger: Logger;
  readonly tell: (report: ProjectionReport) => void;
  readonly tuning: ProjectionTuning;
  readonly watching?: Partial<SessionsTuning>;
};

/** Session views in Redis, as a store of the projections' list is a file. */
export const sessionsFile = { name: "sessions", projections: [sessionProjection.name] };

/**
 * Keeps the session views of every shard, which may lose their keys or their last writes at any time. Readers use a
 * generation that was filled from the log to its end. One that has lost keys is withdrawn, and the next one filled. One
 * that went back to an earlier revision goes on from there.
 */
export function keepSessions(options: KeepSessionsOptions): { readonly finished: Promise<void>; stop(): void } {
  const stopping = new AbortController();
  const kept = options.shards.map((shard) => keepShard(options, shard, stopping.signal));
  const finished = Promise.all(kept).then(() => options.store.close());
  return { finished, stop: () => stopping.abort() };
}

async function keepShard(options: KeepSessionsOptions, shard: Shard, stop: AbortSignal): Promise<void> {
  const { store, logger, tell } = options;
  const { againMs } = { ...sessionsTuning, ...options.watching };
  let lost: string | undefined;
  let pauseMs = againMs.first;
  while (!stop.aborted) {
    const beganMs = performance.now();
    try {
      const begun = await store.begin(shard, lost);
      lost = await runGeneration(options, shard, begun, stop);
      if (lost !== undefined) {
        logger.error({ shard, generation: lost }, "session views have lost keys: they are rebuilt from the log");
        await store.withdraw(shard, lost);
      }
    } catch (error) {
      if (!isLedgerError(error)) throw error;
      logger.warn({ shard, code: error.code, pauseMs, err: error }, "session views cannot be opened");
      tell({ kind: "trouble", projection: sessionProjection.name, shard, trouble: `retrying: ${publicReason(error)}` });
    }
    if (lost === undefined || performance.now() - beganMs > againMs.most) pauseMs = againMs.first;
    await pause(systemRuntime, pauseMs, stop);
    pauseMs = Math.min(2 * pauseMs, againMs.most);
  }
}

/** Returns its name if it has lost keys; undefined if it was served, went back or was stopped: then begin again. */
async function runGeneration(
  options: KeepSessionsOptions,
  shard: Shard,
  begun: SessionGeneration,
  stop: AbortSignal,
): Promise<string | undefined> {
  const { store, log, logger, tell, tuning } = options;
  const { batchMax, auditMs } = { ...sessionsTuning, ...options.watching };
  const { generation, served } = begun;
  const ending = new AbortController();
  const signal = AbortSignal.any([stop, ending.signal]);
  let lost = false;
  const lose = () => {
    lost = true;
    ending.abort();
  };
  const losses: Losses = { onLost: lose, onReplaced: () => ending.abort() };
  const target = watched(store.target(begun), losses);
  if ((await target.checkpoint(shard)) > (await log.head(shard))) return generation;
  const run = runProjection({
    ...{ ...tuning, batchMax, log, logger, shard, signal, projection: sessionProjection, target },
    onStatus(status) {
      tell({ kind: "trouble", projection: sessionProjection.name, shard, trouble: troubleOf(status, served) });
      if (!served && isFilled(status)) ending.abort();
      if (!served && status.state === "halted" && status.damaged) lose();
    },
    onProgress(projection, _shard, revision) {
      tell({ kind: "moved", projection, shard, revision });
      if (!served && isFilled(run.status())) ending.abort();
    },
  });
  const audited = served ? audit(options, { shard, generation, everyMs: auditMs }, signal, losses) : undefined;
  await run.finished;
  const { state, damaged } = run.status();
  // Not to be mended by beginning again, such as a poison event: it stays as it is, until the process is restarted.
  if (state === "halted" && !damaged) await aborted(signal);
  ending.abort();
  await audited;
  if (lost) return generation;
  if (!served && state === "stopped" && !stop.aborted) await store.serve(shard, generation);
  return undefined;
}

type Losses = { onLost(): void; onReplaced(): void };

/** Calls back when the target finds that keys are missing, or that another generation is served. */
function watched(target: ProjectionTarget<SessionChange>, losses: Losses): ProjectionTarget<SessionChange> {
  return {
    ...target,
    apply: (...batch) =>
      target.apply(...batch).catch((error) => {
        if (isLedgerError(error, "store_damaged")) losses.onLost();
        if (isLedgerError(error, "not_ready")) losses.onReplaced();
        throw error;
      }),
  };
}

function troubleOf({ state, publicReason: why }: ProjectionStatus, served: boolean): string | null {
  if (state === "halted" || state === "retrying") return `${state}: ${why}`;
  return served || state === "live" ? null : REBUILDING;
}

/** Whether it has applied the whole log; an empty one fills nothing. */
function isFilled({ state, revision }: ProjectionStatus): boolean {
  return state === "live" && revision > NO_REVISION;
}

type Audited = { readonly shard: Shard; readonly generation: string; readonly everyMs: number };

/** Looks for missing keys, a part at a time: while nobody pays an owner, an eviction of its keys shows nowhere else. */
async function audit(
  { store }: KeepSessionsOptions,
  { shard, generation, everyMs }: Audited,
  signal: AbortSignal,
  { onLost, onReplaced }: Losses,
): Promise<void> {
  let cursor: string | undefined = "0";
  while (!signal.aborted) {
    await pause(systemRuntime, everyMs, signal);
    if (signal.aborted) return;
    try {
      cursor = await store.audit(shard, generation, cursor);
    } catch (error) {
      if (isLedgerError(error, "not_ready")) return onReplaced();
      // The projection finds it away, too, and reports it.
      if (!isLedgerError(error, "store_unavailable")) throw error;
    }
    if (cursor === undefined) return onLost();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

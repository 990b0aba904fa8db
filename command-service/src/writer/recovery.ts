import {
  decodeEvent,
  ImpossibleEvent,
  isLedgerError,
  LedgerError,
  NO_REVISION,
  type Revision,
  type Runtime,
  type Shard,
} from "ledger-core";
import type { EventLog, StoredEvent } from "ledger-core/event-log";
import type { DecisionState, DecisionStateOptions } from "../state/decision-state.ts";
import { finishFlush } from "../state/flush.ts";
import { stateCorrupt } from "../state/state-faults.ts";
import type { StateFile } from "../state/state-file.ts";
import type { StateLayout } from "../state/state-root.ts";
import type { ClockGuard } from "./clock-guard.ts";
import { addFacts, appendSurely, type DecidedBatch, type Incarnation, openBatch } from "./decided-batch.ts";
import { makeChargeLane } from "./fast/charge-lane.ts";
import type { WriterSeams } from "./writer-seams.ts";

export type RecoveryOptions = Omit<DecisionStateOptions, "file" | "random"> & {
  readonly log: EventLog;
  readonly shard: Shard;
  readonly stateFile: string;
  readonly layout?: Partial<StateLayout>;
  readonly runtime: Runtime;
  readonly clock: ClockGuard;
  readonly seams: WriterSeams;
  /**
   * Entries in the tail at which it is written to disk, during a replay at once and between batches when serving.
   * Default 131,072.
   */
  readonly flushAt: number;
  /** Called during long replays. */
  readonly onReplay: (progress: ReplayProgress) => void;
  /** Called when a state file was set aside and will be rebuilt from the log. */
  readonly onDiscarded: (discarded: DiscardedState) => void;
  /** Called when the state file cannot be read. @returns the same error, or `state_corrupt` if it failed too often */
  readonly readFailed: (error: LedgerError) => LedgerError;
  /** Whether the writer is stopping; a replay then ends early. */
  readonly stopping: () => boolean;
};

export type ReplayProgress = {
  readonly kind: "discarded" | "replaying" | "waiting" | "replayed";
  readonly revision: number;
  readonly head: number;
  readonly detail: string;
};

export type DiscardedState = {
  readonly file: string;
  readonly why: string;
  /** Where it is kept for inspection; undefined if it was sound, but of another log or version. */
  readonly keptAt: string | undefined;
};

export type Recovered = { readonly state: DecisionState; readonly file: StateFile; readonly by: Incarnation };

const PROGRESS_EVERY = 50_000;
/** Waits between attempts to write while a replay has no room. */
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5000;

/**
 * Takes the shard: replays the log on top of the state file, and appends `WriterEpochStarted` with the exact expected
 * revision. From then on, appends of any earlier writer are refused. A writer that loses this race reads on and tries
 * again. A state file that is damaged or contradicts the log is set aside, and the state is rebuilt from the first
 * event.
 * @throws clock_unconfirmed · log_corrupt when an event contradicts those before it · state_unavailable when the state
 * file cannot be opened or read
 */
export async function recover(options: RecoveryOptions): Promise<Recovered> {
  const file = await usableFile(options);
  const onFile = file.stand().revision !== NO_REVISION;
  try {
    return await recoverOn(options, file);
  } catch (error) {
    await file.close();
    const fault = isLedgerError(error, "state_unavailable") ? options.readFailed(error) : error;
    if (!onFile || !isLedgerError(fault, "state_corrupt")) throw fault;
    discard(options, fault);
  }
  const fresh = options.seams.openStateFile(options.stateFile, options.layout);
  try {
    return await recoverOn(options, fresh);
  } catch (error) {
    await fresh.close();
    throw error;
  }
}

async function recoverOn(options: RecoveryOptions, file: StateFile): Promise<Recovered> {
  const state = options.seams.openState({ ...options, random: options.runtime.random, file });
  for (;;) {
    await replay(options, state, file);
    const by = { shard: options.shard, salt: options.runtime.random(2 ** 30) };
    const mark = state.mark();
    const now = options.clock.onTaking(state.revision === NO_REVISION ? null : state.at);
    const batch = openBatch(state, now, unlimited);
    startEpoch(batch, state, by);
    try {
      await appendSurely(options.log, options.shard, batch, options.runtime);
      state.settle(state.revision);
      return { state, file, by };
    } catch (error) {
      state.rollbackTo(mark);
      if (!isLedgerError(error, "wrong_expected_revision")) throw error;
    }
  }
}

/** The epoch's event is small, and alone in its batch. */
const unlimited = { eventBytesMax: Number.POSITIVE_INFINITY, batchBytesMax: Number.POSITIVE_INFINITY };

function startEpoch(batch: DecidedBatch, state: DecisionState, by: Incarnation): void {
  const fact = { type: "WriterEpochStarted", epoch: state.epoch + 1, salt: by.salt } as const;
  addFacts(batch, state, by, [fact], { tenant: "", sub: "", key: null, print: null });
}

/** Opens the state file if it is sound, of this log and not ahead of it; otherwise a new one. */
async function usableFile(options: RecoveryOptions): Promise<StateFile> {
  const { seams, log, shard, stateFile, layout } = options;
  const file = openOrRenew(options);
  const stand = file.stand();
  if (stand.revision === NO_REVISION) return file;
  try {
    for await (const [stored] of log.read(shard, stand.revision, { limit: 1 })) {
      if (stored?.id === stand.event) return file;
    }
  } catch (error) {
    await file.close();
    throw error;
  }
  await file.close();
  const why = `it is at an event ${stand.event} that is not in this log at revision ${stand.revision}`;
  discard(options, new LedgerError("incompatible", why));
  return seams.openStateFile(stateFile, layout);
}

function openOrRenew(options: RecoveryOptions): StateFile {
  const { seams, stateFile, layout } = options;
  try {
    return seams.openStateFile(stateFile, layout);
  } catch (error) {
    if (!isLedgerError(error, "state_corrupt") && !isLedgerError(error, "incompatible")) throw error;
    discard(options, error);
    return seams.openStateFile(stateFile, layout);
  }
}

/** Sets the closed state file aside. */
export function discard({ seams, stateFile, onReplay, onDiscarded }: RecoveryOptions, error: LedgerError): void {
  const keptAt = seams.discardStateFile(stateFile, error.code === "state_corrupt");
  onDiscarded({ file: stateFile, why: error.message, keptAt });
  onReplay({ kind: "discarded", revision: NO_REVISION, head: NO_REVISION, detail: error.message });
}

async function replay(options: RecoveryOptions, state: DecisionState, file: StateFile): Promise<void> {
  const { log, shard, flushAt, onReplay } = options;
  const head = await log.head(shard);
  const from = state.revision + 1;
  const onFile = file.stand().revision;
  const applyAll = makeChargeLane(state, (event) => applyStored(state, event, onFile));
  let told = from;
  for await (const events of log.read(shard, from)) {
    applyAll(events);
    state.settle(state.revision);
    if (state.tailSize >= flushAt) await flushWhenRoom(options, state, head);
    assertGoingOn(options);
    if (state.revision - told < PROGRESS_EVERY) continue;
    told = state.revision;
    onReplay({ kind: "replaying", revision: told, head, detail: `replayed ${told + 1} of ${head + 1} events` });
  }
  if (state.revision < head) {
    throw new LedgerError("log_corrupt", `the log ends at ${state.revision} though its head is ${head}`, {
      position: { shard, revision: state.revision + 1 },
    });
  }
  const detail = `replayed ${state.revision - from + 1} events`;
  if (state.revision >= from) onReplay({ kind: "replayed", revision: state.revision, head, detail });
}

/**
 * Applies a stored event, which must agree with the state. If the replay began from a state file, a contradiction means
 * that the file is damaged although its checksums match; if it began at the first event, that the log is.
 */
function applyStored(state: DecisionState, stored: StoredEvent, onFile: Revision): void {
  try {
    state.apply(decodeEvent(stored));
  } catch (error) {
    if (!(error instanceof ImpossibleEvent)) throw error;
    const { id, shard, revision } = stored;
    const told = `event ${id} at ${shard}:${revision} contradicts what came before it: ${error.message}`;
    if (onFile !== NO_REVISION) throw stateCorrupt(told, error);
    throw new LedgerError("log_corrupt", told, { cause: error, position: { shard, revision } });
  }
}

/**
 * Flushes the tail, waiting while the disk has no room, so that the replay's memory stays bounded.
 * @throws state_corrupt, not_ready
 */
async function flushWhenRoom(options: RecoveryOptions, state: DecisionState, head: Revision): Promise<void> {
  const { runtime, seams, stateFile, onReplay } = options;
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
    try {
      await finishFlush(state.flush());
      return;
    } catch (error) {
      if (!isLedgerError(error, "state_unavailable")) throw error;
      state.takeBackFlush();
      seams.dropDamaged(stateFile);
      const { revision } = state;
      const replayed = `${revision + 1} of ${head + 1} events replayed`;
      const detail = `the decision state cannot be written: ${error.message}; ${replayed}`;
      onReplay({ kind: "waiting", revision, head, detail });
    }
    assertGoingOn(options);
    await runtime.delay(waitMs);
  }
}

function assertGoingOn({ stopping }: RecoveryOptions): void {
  if (stopping()) throw new LedgerError("not_ready", "the writer is stopping", { retryable: true });
}

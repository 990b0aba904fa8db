import { decodeEvent, isLedgerError, LedgerError, NO_REVISION, type Runtime, type Shard } from "ledger-core";
import type { EventLog } from "ledger-core/event-log";
import { appendSurely } from "./append.ts";
import { addFacts, type Batch, type Incarnation, openBatch } from "./batch.ts";
import type { WriterParts } from "./parts.ts";
import type { DecisionState } from "./state/decision-state.ts";
import type { StateFile } from "./state/state-file.ts";

export type RecoveryOptions = {
  readonly log: EventLog;
  readonly shard: Shard;
  readonly stateFile: string;
  readonly runtime: Runtime;
  readonly parts: WriterParts;
  readonly accountsCached?: number;
  readonly keyFilterBytes?: number;
  /** The tail that is written down at once while events are replayed, and between batches when serving. Entries; default 131,072. */
  readonly flushAt: number;
  /** Told during long replays: how far it is, and why an old state file was not used. */
  readonly onReplay: (progress: ReplayProgress) => void;
};

export type ReplayProgress = {
  readonly kind: "discarded" | "replaying" | "replayed";
  readonly revision: number;
  readonly head: number;
  readonly detail: string;
};

export type Recovered = { readonly state: DecisionState; readonly file: StateFile; readonly by: Incarnation };

const PROGRESS_EVERY = 50_000;

/**
 * Takes the shard: reads the log to its end on top of the state file and appends `WriterEpochStarted` with the exact expected revision.
 * From then on any earlier writer's append is refused. A writer that loses this race reads on and tries again.
 */
export async function recover(options: RecoveryOptions): Promise<Recovered> {
  const file = await usableFile(options);
  try {
    const state = options.parts.openState({
      file,
      ...(options.accountsCached === undefined ? {} : { accountsCached: options.accountsCached }),
      ...(options.keyFilterBytes === undefined ? {} : { keyFilterBytes: options.keyFilterBytes }),
    });
    for (;;) {
      await replay(options, state);
      const by = { shard: options.shard, salt: options.runtime.random(2 ** 30) };
      const mark = state.mark();
      const batch = openBatch(state, options.runtime.now());
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
  } catch (error) {
    file.close();
    throw error;
  }
}

function startEpoch(batch: Batch, state: DecisionState, by: Incarnation): void {
  const fact = { type: "WriterEpochStarted", epoch: state.epoch + 1, salt: by.salt } as const;
  addFacts(batch, state, by, [fact], { tenant: "", sub: "", key: null, print: null });
}

/** The state file, if it belongs to this log and is not ahead of it; otherwise a new one. */
async function usableFile(options: RecoveryOptions): Promise<StateFile> {
  const discard = (detail: string) => options.onReplay({ kind: "discarded", revision: -1, head: -1, detail });
  const { openStateFile, discardStateFile } = options.parts;
  const file = openStateFile(options.stateFile, discard);
  const stand = file.stand();
  if (stand.revision === NO_REVISION) return file;
  for await (const [stored] of options.log.read(options.shard, stand.revision, { limit: 1 })) {
    if (stored?.id === stand.event) return file;
  }
  discard(`the state file stands at an event ${stand.event} that is not in this log at revision ${stand.revision}`);
  file.close();
  discardStateFile(options.stateFile);
  return openStateFile(options.stateFile, discard);
}

async function replay(options: RecoveryOptions, state: DecisionState): Promise<void> {
  const head = await options.log.head(options.shard);
  const from = state.revision + 1;
  let told = from;
  for await (const events of options.log.read(options.shard, from)) {
    for (const event of events) state.apply(decodeEvent(event));
    state.settle(state.revision);
    if (state.tailSize >= options.flushAt) for (const _ of state.flush());
    if (state.revision - told >= PROGRESS_EVERY) {
      told = state.revision;
      options.onReplay({
        kind: "replaying",
        revision: told,
        head,
        detail: `replayed ${told + 1} of ${head + 1} events`,
      });
    }
  }
  if (state.revision < head) {
    throw new LedgerError("log_corrupt", `the log ends at ${state.revision} though its head is ${head}`, {
      position: { shard: options.shard, revision: state.revision + 1 },
    });
  }
  const detail = `replayed ${state.revision - from + 1} events`;
  if (state.revision >= from) options.onReplay({ kind: "replayed", revision: state.revision, head, detail });
}

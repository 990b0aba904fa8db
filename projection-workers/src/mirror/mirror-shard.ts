import {
  isLedgerError,
  LedgerError,
  NO_REVISION,
  publicReason,
  type Revision,
  type Runtime,
  type Shard,
} from "ledger-core";
import type { EventSource, StoredEvent } from "ledger-core/event-log";
import { type MirrorEnd, type MirrorTarget, type MirrorWriter, mirroredSize } from "ledger-core/mirror-target";
import type { Logger } from "ledger-core/process";
import { gather } from "../consumer/gathering.ts";
import { pause } from "../consumer/pause.ts";
import type { MirrorStatus } from "./mirror-status.ts";

/** Each field states its default. */
export type MirrorTuning = {
  /** The first pause after a failure, doubled after each further one up to `most`, in ms. Default 100 and 5000. */
  readonly retryMs?: { readonly first: number; readonly most: number };
  /** How often a batch of unknown outcome is resent before a new writer reads the mirror's end. Default 20. */
  readonly repeats?: number;
};

export type MirrorShardOptions = {
  readonly log: EventSource;
  readonly target: MirrorTarget;
  readonly shard: Shard;
  readonly signal: AbortSignal;
  readonly logger: Logger;
  readonly runtime: Runtime;
  readonly tuning: MirrorTuning;
  readonly set: (change: Partial<MirrorStatus>) => void;
};

/**
 * Copies a shard's log to the mirror until the signal aborts. Starts after the mirror's last record; there is no
 * separate checkpoint. Rejects only on a bug.
 */
export async function mirrorShard(options: MirrorShardOptions): Promise<void> {
  const { shard, signal, logger, runtime, set } = options;
  const { first, most } = options.tuning.retryMs ?? { first: 100, most: 5000 };
  let pauseMs = first;
  while (!signal.aborted) {
    try {
      await follow(options, () => (pauseMs = first));
    } catch (error) {
      if (!isLedgerError(error)) throw error;
      if (error.code === "incompatible" || error.code === "log_corrupt") {
        logger.error({ shard, code: error.code, position: error.position, err: error }, "mirror halted");
        return set({ state: "halted", ...reasonsOf(error) });
      }
      logger.warn({ shard, code: error.code, pauseMs, err: error }, "mirror waits");
      set({ state: "retrying", ...reasonsOf(error) });
      await pause(runtime, pauseMs, signal);
      pauseMs = Math.min(pauseMs * 2, most);
    }
  }
  set({ state: "stopped", reason: null, publicReason: null });
}

async function follow(options: MirrorShardOptions, onSent: () => void): Promise<void> {
  const { log, target, shard, signal, runtime, set } = options;
  await target.check([shard]);
  const writer = await target.open(shard);
  // Aborting this ends the subscription together with the attempt.
  const attempt = new AbortController();
  try {
    let at = await placeInLog(log, shard, writer.end);
    set({ state: "behind", revision: at, foreign: writer.end.foreign, reason: null, publicReason: null });
    const deliveries = log.subscribe(shard, at + 1, AbortSignal.any([signal, attempt.signal]));
    for await (const { events, caughtUp } of gather(deliveries, { events: () => writer.eventsMax }, runtime)) {
      for (const batch of batchesOf(events, writer)) {
        if (signal.aborted) return;
        at = await send(options, writer, at, batch);
        onSent();
        set({ revision: at });
      }
      if (caughtUp) set({ state: "live" });
    }
  } finally {
    attempt.abort();
    await writer.close();
  }
}

/** Checks that the log has the mirror's last event. @throws incompatible if not: the topic belongs to another ledger */
async function placeInLog(log: EventSource, shard: Shard, { revision, event }: MirrorEnd): Promise<Revision> {
  if (!event) return NO_REVISION;
  for await (const [own] of log.read(shard, revision, { limit: 1 }))
    if (own && own.id === event.id && Buffer.compare(own.leaf, event.leaf) === 0) return revision;
  throw new LedgerError(
    "incompatible",
    `partition ${shard} ends with event ${event.id} at ${shard}:${revision}, which this log does not have there: the ` +
      "topic mirrors another ledger, or the log was restored from before; name another topic",
    { position: { shard, revision } },
  );
}

/** Sends a batch, and resends the identical batch while its outcome is unknown. */
async function send(
  { signal, runtime, tuning, set, logger, shard }: MirrorShardOptions,
  writer: MirrorWriter,
  at: Revision,
  batch: readonly StoredEvent[],
): Promise<Revision> {
  const { retryMs = { first: 100, most: 5000 }, repeats = 20 } = tuning;
  const [first, last] = [batch[0], batch.at(-1)];
  if (!first || !last || first.revision !== at + 1 || last.revision !== at + batch.length)
    throw new LedgerError("log_corrupt", `${at + 1} should follow in the log, and ${first?.revision} does`);
  for (let attempt = 0, pauseMs = retryMs.first; ; attempt++) {
    try {
      await writer.append(batch);
      if (attempt > 0) set({ state: "behind", reason: null, publicReason: null });
      return last.revision;
    } catch (error) {
      if (!isLedgerError(error, "outcome_unknown") || attempt >= repeats || signal.aborted) throw error;
      logger.warn({ shard, attempt, err: error }, "mirror repeats a batch");
      set({ state: "retrying", ...reasonsOf(error) });
      await pause(runtime, pauseMs, signal);
      pauseMs = Math.min(pauseMs * 2, retryMs.most);
    }
  }
}

/** Cuts events into batches that fit one append; a larger event is a batch of its own. */
function* batchesOf(events: readonly StoredEvent[], { bytesMax, eventsMax }: MirrorWriter): Iterable<StoredEvent[]> {
  let batch: StoredEvent[] = [];
  let bytes = 0;
  for (const event of events) {
    const size = mirroredSize(event);
    if (batch.length > 0 && (batch.length >= eventsMax || bytes + size > bytesMax)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(event);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

function reasonsOf(error: LedgerError): Pick<MirrorStatus, "reason" | "publicReason"> {
  return { reason: `${error.code}: ${error.message}`, publicReason: publicReason(error) };
}

import type { Revision, Shard } from "ledger-core";
import type { EventSource } from "ledger-core/event-log";
import { type Logger, systemRuntime } from "ledger-core/process";
import type { SessionRebuild, SessionStore } from "ledger-core/redis";
import { sessionProjection } from "../projections/session/projection.ts";
import { makeFiller, patiently } from "./filling.ts";

type SessionsRebuildOptions = {
  readonly log: EventSource;
  readonly logger: Logger;
  /** Aborts; the served views stay. */
  readonly signal?: AbortSignal;
  /** The most events of one script, which keeps other scripts waiting. 1 to 10,000. Default 1000. */
  readonly batchMax?: number;
  /** The pause after each script, in ms. 0 to 1000. Default 0. */
  readonly pauseMs?: number;
  /** Called after each batch with the last event that the new views have. */
  readonly onReached?: (revision: Revision) => void;
};

/** `unsettled`: owners whose views changed whenever they were compared. */
export type RebuiltSessions = {
  readonly owners: number;
  readonly differing: readonly string[];
  readonly unsettled: readonly string[];
};

/** How often owners who differ are compared again: a projection that writes meanwhile is seldom in the way. */
const ROUNDS = 200;
const ROUND_MS = 5;

/**
 * Rebuilds a shard's session views from the log, beside the served ones, which go on; compares them and switches.
 * Redis has no snapshots: owners who differ are compared again until both generations are at the same revision, or
 * until they no longer differ.
 * @throws LedgerError of the log or of Redis; the served views stay
 * @throws not_ready while another rebuild is under way, or the views are being filled anyway
 */
export function rebuildSessionViews(
  store: SessionStore,
  shard: Shard,
  options: SessionsRebuildOptions,
): Promise<RebuiltSessions> {
  const { log, logger, batchMax = 1000, pauseMs = 0, onReached = () => undefined } = options;
  return store.rebuild(shard, async (rebuild) => {
    const signal = AbortSignal.any([rebuild.lost, ...(options.signal ? [options.signal] : [])]);
    const fill = makeFiller(sessionProjection, { log, signal, pauseMs, fillMax: batchMax }, (_, at) => onReached(at));
    const fillPatiently = patiently(fill, { logger, signal });
    const catchUp = async () => fillPatiently(rebuild.next, shard, await rebuild.served.checkpoint(shard));
    await fillPatiently(rebuild.next, shard, await log.head(shard));
    const compared = await compare(rebuild, catchUp);
    if (compared.differing.length > 0) logger.error({ shard, ...compared }, "a rebuild differs");
    while (!(await rebuild.switch())) {
      signal.throwIfAborted();
      await catchUp();
    }
    return compared;
  });
}

async function compare(rebuild: SessionRebuild, catchUp: () => Promise<void>): Promise<RebuiltSessions> {
  const { owners, differing } = await rebuild.compare();
  let suspects = differing;
  for (let round = 0; round < ROUNDS && suspects.length > 0; round++) {
    await catchUp();
    const again = await rebuild.compareAgain(suspects);
    suspects = again.differing;
    if (again.sameRevision) return { owners, differing: suspects, unsettled: [] };
    await systemRuntime.delay(ROUND_MS);
  }
  return { owners, differing: [], unsettled: suspects };
}

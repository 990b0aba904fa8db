import { randomUUID } from "node:crypto";
import { LedgerError, type ProjectionStore } from "ledger-core";
import { claimRebuild, FREE, type GremlinClient, openBooks } from "ledger-core/gremlin";
import { systemRuntime } from "ledger-core/process";
import { pause } from "../../consumer/pause.ts";
import { rebuildUnderWay } from "../builds.ts";

/** How a rebuild shows that it is alive; each field states its bounds. */
export type AloneTuning = {
  /** Between two signs of life, in ms. 10 to 10,000. Default 2000. */
  readonly beatMs: number;
  /**
   * Without a sign of life for so long, a rebuild counts as interrupted, and gives itself up, in ms. At least three
   * times `beatMs`. Default 10,000.
   */
  readonly silentMs: number;
};

export const aloneTuning: AloneTuning = { beatMs: 2000, silentMs: 10_000 };

/**
 * Runs work alone among all processes that use a graph. A graph has no locks that end with a connection, so the holder
 * changes a text in the books again and again; whoever finds it unchanged for long enough takes over. No clocks are
 * compared.
 */
export function aloneInGraph(client: GremlinClient, tuning: AloneTuning): ProjectionStore<unknown>["alone"] {
  return async (work) => {
    const token = randomUUID();
    const lost = new AbortController();
    const stop = new AbortController();
    let text = `${token}:0`;
    if (!(await claimRebuild(client, await freeOrSilent(client, tuning), text))) throw rebuildUnderWay("the graph");

    async function beat(): Promise<void> {
      let heardMs = systemRuntime.elapsedMs();
      for (let n = 1; !lost.signal.aborted; ) {
        await pause(systemRuntime, tuning.beatMs, stop.signal);
        if (stop.signal.aborted) return;
        try {
          const next = `${token}:${n}`;
          if (!(await claimRebuild(client, text, next)))
            lost.abort(new LedgerError("not_ready", "the graph: another rebuild has taken over"));
          text = next;
          heardMs = systemRuntime.elapsedMs();
          n++;
        } catch (error) {
          // It may have been executed: the same is asked again, which then has no further effect.
          if (systemRuntime.elapsedMs() - heardMs > tuning.silentMs - tuning.beatMs) lost.abort(error);
        }
      }
    }

    const beating = beat();
    try {
      return await work(lost.signal);
    } finally {
      stop.abort();
      await beating;
      // Otherwise the next rebuild waits until this one counts as interrupted.
      if (!lost.signal.aborted) await claimRebuild(client, text, FREE).catch(() => undefined);
    }
  };
}

/** The text of a rebuild that is over or interrupted. @throws not_ready if one is under way */
async function freeOrSilent(client: GremlinClient, { silentMs, beatMs }: AloneTuning): Promise<string> {
  const { rebuilder } = await openBooks(client);
  const sinceMs = systemRuntime.elapsedMs();
  while (rebuilder !== FREE && systemRuntime.elapsedMs() - sinceMs < silentMs) {
    await systemRuntime.delay(beatMs / 2);
    if ((await openBooks(client)).rebuilder !== rebuilder) throw rebuildUnderWay("the graph");
  }
  return rebuilder;
}

import { assert, LedgerError, type Revision, type Shard } from "ledger-core";
import type { EventSource } from "ledger-core/event-log";
import type { Logger } from "ledger-core/process";
import type { SessionStore } from "ledger-core/redis";
import type { StoreServer } from "../projections/store-server.ts";
import type { RebuildState } from "../running/rebuild-state.ts";
import { reported, reportRebuild } from "../running/reported-rebuild.ts";
import { eventsUpTo } from "./filling.ts";
import { type RebuiltSessions, rebuildSessionViews } from "./rebuild-sessions.ts";

export type ServerRebuildOptions = {
  readonly log: EventSource;
  readonly shards: readonly Shard[];
  readonly logger: Logger;
  readonly signal?: AbortSignal;
  /** The pause after each transaction, for a server whose replicas fall behind, in ms. 0 to 1000. Default 0. */
  readonly pauseMs?: number;
  readonly tell: (state: RebuildState) => void;
};

/**
 * Rebuilds a projection in a server that other processes write and read meanwhile, and reports how it goes.
 * @throws LedgerError store_unavailable, incompatible when it cannot be opened
 */
export async function rebuildOnServer(server: StoreServer, options: ServerRebuildOptions): Promise<void> {
  const opened = await server.open();
  try {
    const [projected] = opened.projections;
    assert(projected, `${server.name} has a projection`);
    if (opened.rebuilding)
      throw new LedgerError("not_ready", `${server.name}: the first build is still being filled from the log`);
    await reportRebuild(projected, options, options.tell);
  } finally {
    await opened.close();
  }
}

/** Rebuilds the session views of every shard, and reports how it goes. */
export function rebuildSessions(store: SessionStore, options: ServerRebuildOptions): Promise<void> {
  const { log, shards } = options;
  return reported("session", options, async (set) => {
    const heads = new Map<Shard, Revision>();
    for (const shard of shards) heads.set(shard, await log.head(shard));
    const reached = new Map<Shard, Revision>();
    const parts: RebuiltSessions[] = [];
    for (const shard of shards) {
      const onReached = (revision: Revision) => {
        reached.set(shard, revision);
        const done = eventsUpTo(reached);
        set({ done, total: Math.max(done, eventsUpTo(heads)), detail: "filling" });
      };
      parts.push(await rebuildSessionViews(store, shard, { ...options, onReached }));
    }
    const total = (count: (part: RebuiltSessions) => number) => parts.reduce((sum, part) => sum + count(part), 0);
    const rows = total(({ owners }) => owners);
    const differing = total((part) => part.differing.length);
    const unsettled = total((part) => part.unsettled.length);
    const outcome = differing === 0 ? "equal to those before" : `${differing} differed from those before`;
    const busy = unsettled > 0 ? `, ${unsettled} changed whenever they were compared` : "";
    return {
      events: eventsUpTo(reached),
      rows,
      differing,
      detail: `sessions of ${rows} owners compared, ${outcome}${busy}`,
    };
  });
}

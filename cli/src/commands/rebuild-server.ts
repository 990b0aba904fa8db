import { LedgerError } from "ledger-core";
import { openEventLogReader } from "ledger-core/engines";
import {
  createLogger,
  eventLogPart,
  graphPart,
  readConfiguration,
  readModelPart,
  sessionsPart,
  shardsPart,
} from "ledger-core/process";
import { newRebuild, type RebuildState, type RebuiltTarget, rebuildServer } from "projection-workers";

/** The server that holds a projection by the settings; undefined if it is in a file. */
export function rebuiltTarget(projection: string): RebuiltTarget | undefined {
  switch (projection) {
    case "models": {
      const { target } = readConfiguration({ target: readModelPart });
      return target.kind === "mysql" ? { projection, target } : undefined;
    }
    case "graph": {
      const { target } = readConfiguration({ target: graphPart });
      return target.kind === "gremlin" ? { projection, target } : undefined;
    }
    case "session": {
      const { target } = readConfiguration({ target: sessionsPart });
      if (target.kind === "redis") return { projection, target };
      throw new LedgerError("config", "SESSIONS is models, so there are no session views: set it to redis://…");
    }
    default:
      return undefined;
  }
}

/** Rebuilds it while all services go on. Ctrl-C gives up, and leaves the live one. */
export async function rebuildByServices(
  target: RebuiltTarget,
  { pauseMs, onState }: { readonly pauseMs: number; readonly onState: (state: RebuildState) => void },
): Promise<RebuildState> {
  const { log: from, shards } = readConfiguration({ log: eventLogPart, shards: shardsPart });
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  process.on("SIGINT", stop).on("SIGTERM", stop);
  const log = await openEventLogReader(from);
  let last = newRebuild(target.projection);
  try {
    await rebuildServer(target, {
      ...{ log, pauseMs, signal: stopping.signal },
      shards: Array.from({ length: shards }, (_, shard) => shard),
      logger: createLogger({ level: "error", name: "rebuild" }),
      tell: (state) => {
        last = state;
        onState(state);
      },
    });
    return last;
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
    await log.close();
  }
}

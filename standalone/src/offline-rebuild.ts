import { openLogThread } from "ledger-core/event-log";
import type { Logger } from "ledger-core/process";
import { storeToOpen } from "ledger-core/sql";
import { fileOf, newRebuild, pathOf, type RebuildState, reportRebuild } from "projection-workers";
import { openDataFolder } from "./data-folder.ts";
import { startFaultOf } from "./start-fault.ts";

type OfflineRebuildOptions = {
  readonly dataDir: string;
  readonly projection: string;
  readonly logger: Logger;
  readonly onState: (state: RebuildState) => void;
};

/**
 * Rebuilds a projection of a stopped ledger's folder.
 * @throws StartFault when a server runs on it, or the folder cannot be used
 */
export async function rebuildOffline(options: OfflineRebuildOptions): Promise<RebuildState> {
  const { dataDir, projection, logger, onState } = options;
  try {
    const folder = await openDataFolder(dataDir, { make: false });
    const { log, close } = await openLogThread({ file: folder.events });
    try {
      let last = newRebuild(projection);
      const tell = (state: RebuildState) => {
        last = state;
        onState(state);
      };
      const file = fileOf(projection);
      const path = storeToOpen(pathOf(folder.dir, file));
      if (await file.isOlder(path)) {
        tell({ ...last, status: "failed", detail: "another version made the file: the next start builds a new one" });
        return last;
      }
      const opened = await file.open(path);
      try {
        for (const one of opened.projections)
          if (one.name === projection) await reportRebuild(one, { log, shards: [0], logger }, tell);
      } finally {
        await opened.close();
      }
      return last;
    } finally {
      await close();
    }
  } catch (error) {
    throw startFaultOf(error, { dataDir });
  }
}

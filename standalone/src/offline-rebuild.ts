import { openSqliteLog } from "ledger-core/event-log";
import type { Logger } from "ledger-core/process";
import { openDataFolder } from "./data-folder.ts";
import { newRebuild, type RebuildName, type RebuildState } from "./rebuild-state.ts";
import { runRebuild } from "./rebuilds.ts";
import { startFaultOf } from "./start-fault.ts";
import { withStore } from "./stores.ts";

export type OfflineRebuildOptions = {
  readonly dataDir: string;
  readonly projection: RebuildName;
  readonly logger: Logger;
  readonly onState: (state: RebuildState) => void;
};

/** Rebuilds a projection of a folder that no server runs on. @throws StartFault when one does, or the folder cannot be used */
export async function rebuildOffline(options: OfflineRebuildOptions): Promise<RebuildState> {
  const { dataDir, projection, logger, onState } = options;
  try {
    const folder = await openDataFolder(dataDir, { make: false });
    const log = await openSqliteLog({ file: folder.events });
    try {
      let last = newRebuild(projection);
      const tell = (state: RebuildState) => {
        last = state;
        onState(state);
      };
      const options = { log, shards: [0], logger };
      await withStore(folder, projection, (store) => runRebuild(projection, store, options, tell));
      return last;
    } finally {
      await log.close();
    }
  } catch (error) {
    throw startFaultOf(error, { dataDir });
  }
}

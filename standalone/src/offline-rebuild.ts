import { openSqliteLog } from "ledger-core/event-log";
import type { Logger } from "ledger-core/process";
import { migrateModels } from "projection-workers";
import { openDataFolder } from "./data-folder.ts";
import type { RebuildName, RebuildState } from "./rebuild-state.ts";
import { runRebuild } from "./rebuilds.ts";
import { startFaultOf } from "./start-fault.ts";
import { openStores } from "./stores.ts";

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
      const stores = await openStores(folder, { readOnly: false });
      try {
        await migrateModels(stores.models);
        const ports = { log, shards: [0], logger, stores, models: folder.models };
        return await runRebuild(projection, ports, onState);
      } finally {
        await stores.close();
      }
    } finally {
      await log.close();
    }
  } catch (error) {
    throw startFaultOf(error, { dataDir });
  }
}

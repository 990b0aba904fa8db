import { openLogThread } from "ledger-core/event-log";
import type { Logger } from "ledger-core/process";
import { newestStore } from "ledger-core/sql";
import { fileOf, pathOf, setAside, type VerifyState, verifyAll } from "projection-workers";
import { openDataFolder } from "./data-folder.ts";
import { rebuildOffline } from "./offline-rebuild.ts";
import { startFaultOf } from "./start-fault.ts";

type OfflineVerifyOptions = {
  readonly dataDir: string;
  /** Rebuilds what differs; sets unreadable files aside, for the next start to rebuild. */
  readonly heal: boolean;
  readonly logger: Logger;
  readonly onState: (state: VerifyState) => void;
};

/**
 * Compares the read models of a stopped ledger's folder with its log.
 * @throws StartFault when a server runs on it, or the folder cannot be used
 */
export async function verifyOffline({ dataDir, heal, logger, onState }: OfflineVerifyOptions): Promise<VerifyState[]> {
  const states = new Map<string, VerifyState>();
  const set = (state: VerifyState) => {
    states.set(state.projection, state);
    onState(state);
  };
  try {
    const folder = await openDataFolder(dataDir, { make: false });
    const { log, close } = await openLogThread({ file: folder.events });
    try {
      // Nothing else is running: use large steps without pauses.
      await verifyAll({ dir: folder.dir, log, shards: [0], tuning: { fillMax: 10_000, pauseMs: 0 } }, set);
    } finally {
      await close();
    }
    if (heal) {
      for (const state of states.values()) {
        const { projection, result } = state;
        if (!result || result.verdict === "equal") continue;
        if (result.verdict === "unreadable") {
          const first = pathOf(folder.dir, fileOf(projection));
          setAside(first, newestStore(first));
          set({ ...state, healed: true, detail: `${state.detail}; set aside, the next start rebuilds it` });
          continue;
        }
        const { status, detail } = await rebuildOffline({ dataDir, projection, logger, onState: () => undefined });
        set({ ...state, healed: status === "done", detail: `${state.detail}; ${detail}` });
      }
    }
  } catch (error) {
    throw startFaultOf(error, { dataDir });
  }
  return [...states.values()];
}

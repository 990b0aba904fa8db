import { isLedgerError } from "ledger-core";
import { type RebuildableStore, type RebuildOptions, rebuild } from "projection-workers";
import { newRebuild, type RebuildName, type RebuildState } from "./rebuild-state.ts";

/**
 * Builds one projection anew and tells how far it is, and in the end how it ended.
 * @throws LedgerError store_damaged when its file cannot be read, after it has told so
 */
export async function runRebuild<Change>(
  projection: RebuildName,
  store: RebuildableStore<Change>,
  options: Omit<RebuildOptions, "onProgress">,
  tell: (state: RebuildState) => void,
): Promise<void> {
  let state = newRebuild(projection);
  const set = (change: Partial<RebuildState>) => {
    state = { ...state, ...change };
    tell(state);
  };
  try {
    const onProgress: RebuildOptions["onProgress"] = ({ done, total, step }) => set({ done, total, detail: step });
    const result = await rebuild(store, { ...options, onProgress });
    const { rows, differing } = result.comparison;
    const outcome = differing === 0 ? "equal to the one before" : `${differing} differed from the one before`;
    const detail = `version ${result.version} serves; ${rows} rows compared, ${outcome}`;
    set({ status: "done", done: result.events, total: result.events, rows, differing, detail });
  } catch (error) {
    if (options.signal?.aborted) return set({ status: "failed", detail: "given up: the ledger is stopping" });
    if (!isLedgerError(error)) throw error;
    set({ status: "failed", detail: `${error.code}: ${error.message}` });
    if (error.code === "store_damaged") throw error;
  }
}

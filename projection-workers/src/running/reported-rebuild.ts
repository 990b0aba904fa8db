import { isLedgerError } from "ledger-core";
import type { Projected } from "../projections/registered.ts";
import { type RebuildOptions, rebuild } from "../rebuild/rebuild.ts";
import { newRebuild, type RebuildState } from "./rebuild-state.ts";

/**
 * Rebuilds a projection and reports its progress and outcome.
 * @throws LedgerError store_damaged if its file cannot be read, after reporting that
 */
export async function reportRebuild(
  projected: Projected,
  options: Omit<RebuildOptions, "onProgress">,
  tell: (state: RebuildState) => void,
): Promise<void> {
  let state = newRebuild(projected.name);
  const set = (change: Partial<RebuildState>) => {
    state = { ...state, ...change };
    tell(state);
  };
  try {
    const onProgress: RebuildOptions["onProgress"] = ({ done, total, step }) => set({ done, total, detail: step });
    const result = await projected.use((projection, store) => rebuild(projection, store, { ...options, onProgress }));
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

import { isLedgerError } from "ledger-core";
import type { Projected } from "../projections/registered.ts";
import { type RebuildOptions, rebuild } from "../rebuild/rebuild.ts";
import { newRebuild, type RebuildState } from "./rebuild-state.ts";

/**
 * Rebuilds a projection and reports its progress and outcome.
 * @throws LedgerError store_damaged if its file cannot be read, after reporting that
 */
export function reportRebuild(
  projected: Projected,
  options: Omit<RebuildOptions, "onProgress">,
  tell: (state: RebuildState) => void,
): Promise<void> {
  return reported(projected.name, { ...options, tell }, async (set) => {
    const onProgress: RebuildOptions["onProgress"] = ({ done, total, step }) => set({ done, total, detail: step });
    const result = await projected.use((projection, store) => rebuild(projection, store, { ...options, onProgress }));
    const { rows, differing } = result.comparison;
    const outcome = differing === 0 ? "equal to those before" : `${differing} differed from those before`;
    const compared = `${rows} rows compared, ${outcome}`;
    return { events: result.events, rows, differing, detail: `version ${result.version} serves; ${compared}` };
  });
}

type Reported = {
  readonly tell: (state: RebuildState) => void;
  /** Gives the rebuild up. */
  readonly signal?: AbortSignal;
};

type Outcome = Pick<RebuildState, "rows" | "differing" | "detail"> & { readonly events: number };

/** Runs a rebuild, and reports its progress, its outcome and its speed. @throws like `reportRebuild` */
export async function reported(
  projection: string,
  { tell, signal }: Reported,
  work: (set: (change: Pick<RebuildState, "done" | "total" | "detail">) => void) => Promise<Outcome>,
): Promise<void> {
  let state = newRebuild(projection);
  const startMs = performance.now();
  const set = (change: Partial<RebuildState>) => {
    state = { ...state, ...change, seconds: (performance.now() - startMs) / 1000 };
    tell(state);
  };
  try {
    const { events, rows, differing, detail } = await work(set);
    const seconds = Math.max(0.001, (performance.now() - startMs) / 1000);
    const speed = `${events} events in ${seconds.toFixed(1)} s, ${Math.round(events / seconds)} per second`;
    set({ status: "done", done: events, total: events, rows, differing, detail: `${detail}; ${speed}` });
  } catch (error) {
    if (signal?.aborted) return set({ status: "failed", detail: "given up: it was stopped" });
    if (!isLedgerError(error)) throw error;
    set({ status: "failed", detail: `${error.code}: ${error.message}` });
    if (error.code === "store_damaged") throw error;
  }
}

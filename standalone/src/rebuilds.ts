import { isLedgerError } from "ledger-core";
import { connectSqlite } from "ledger-core/sql";
import { type RebuildOptions, type RebuildResult, rebuild, rebuildableModels } from "projection-workers";
import { newRebuild, type RebuildName, type RebuildState } from "./rebuild-state.ts";
import type { Stores } from "./stores.ts";

export type RebuildPorts = Omit<RebuildOptions, "onProgress"> & {
  /** The writing side of the stores. */
  readonly stores: Stores;
  /** The models' file, which the comparison reads through a connection of its own. */
  readonly models: string;
};

/** Builds one projection anew and tells how far it is; ends with a state that says how it ended, and throws only on a bug. */
export async function runRebuild(
  projection: RebuildName,
  ports: RebuildPorts,
  tell: (state: RebuildState) => void,
): Promise<RebuildState> {
  let state = newRebuild(projection);
  const set = (change: Partial<RebuildState>) => {
    state = { ...state, ...change };
    tell(state);
    return state;
  };
  try {
    const result = await rebuildOne(projection, ports, (progress) =>
      set({ done: progress.done, total: progress.total, detail: progress.step }),
    );
    const { rows, differing } = result.comparison;
    const outcome = differing === 0 ? "equal to the one before" : `${differing} differed from the one before`;
    const detail = `version ${result.version} serves; ${rows} rows compared, ${outcome}`;
    return set({ status: "done", done: result.events, total: result.events, rows, differing, detail });
  } catch (error) {
    if (isLedgerError(error)) return set({ status: "failed", detail: `${error.code}: ${error.message}` });
    if (ports.signal?.aborted) return set({ status: "failed", detail: "given up: the ledger is stopping" });
    throw error;
  }
}

async function rebuildOne(
  projection: RebuildName,
  { stores, models, ...rest }: RebuildPorts,
  onProgress: NonNullable<RebuildOptions["onProgress"]>,
): Promise<RebuildResult> {
  const options = { ...rest, onProgress };
  switch (projection) {
    case "models": {
      const reader = connectSqlite({ file: models, readOnly: true });
      return rebuild(rebuildableModels(stores.models, reader), options).finally(() => reader.destroy());
    }
    case "session":
      return rebuild(stores.session.rebuildable, options);
    case "graph":
      return rebuild(stores.graph.rebuildable, options);
    default:
      return projection satisfies never;
  }
}

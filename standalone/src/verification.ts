import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isLedgerError } from "ledger-core";
import { connectSqlite } from "ledger-core/sql";
import {
  type ShadowBuild,
  shadowGraph,
  shadowModels,
  shadowSession,
  type Verification,
  type VerifyOptions,
  verify,
} from "projection-workers";
import type { DataFolder } from "./data-folder.ts";
import { type RebuildName, rebuildNames } from "./rebuild-state.ts";

/** How far the comparison of one projection with the log is. `healed`: what differed was built anew afterwards. */
export type VerifyState = {
  readonly projection: RebuildName;
  readonly status: "waiting" | "running" | "done" | "failed";
  readonly done: number;
  readonly total: number;
  /** Once done. */
  readonly result: Verification | null;
  readonly healed: boolean;
  readonly detail: string;
};

/** How gently it works; each field states its default. */
export type VerifyTuning = {
  /** Events of one step. 1 to 100,000. Default 1000. */
  readonly fillMax: number;
  /** The pause after each step, in ms: the log's thread serves commands meanwhile. 0 to 1000. Default 5. */
  readonly pauseMs: number;
};
export const verifyTuning: VerifyTuning = { fillMax: 1000, pauseMs: 5 };

export type VerifyPorts = Pick<VerifyOptions, "log" | "shards" | "signal"> & {
  readonly folder: Pick<DataFolder, "dir" | "models" | "views">;
  readonly tuning: VerifyTuning;
};

const SCRATCH = ".verify-";

export function newVerify(projection: RebuildName): VerifyState {
  const none = { done: 0, total: 0, result: null, healed: false };
  return { projection, status: "waiting", ...none, detail: "waiting" };
}

/** Compares every projection with the log, one after another, and tells how far it is; changes nothing. */
export async function verifyAll(ports: VerifyPorts, tell: (state: VerifyState) => void): Promise<void> {
  const { dir } = ports.folder;
  // A process that was killed left its own.
  for (const name of readdirSync(dir)) if (name.startsWith(SCRATCH)) rmSync(join(dir, name), { recursive: true });
  for (const projection of rebuildNames) await verifyOne(projection, ports, tell);
}

async function verifyOne(
  projection: RebuildName,
  { folder, log, shards, signal, tuning }: VerifyPorts,
  tell: (state: VerifyState) => void,
): Promise<void> {
  let state: VerifyState = { ...newVerify(projection), status: "running", detail: "comparing with the log" };
  const set = (change: Partial<VerifyState>) => {
    state = { ...state, ...change };
    tell(state);
  };
  const scratch = mkdtempSync(join(folder.dir, SCRATCH));
  const options = { log, shards, ...tuning, ...(signal && { signal }) };
  const onProgress = (done: number, total: number) => set({ done, total });
  try {
    const result = await withShadow(projection, folder, join(scratch, "shadow.sqlite"), (shadow) =>
      verify(shadow, { ...options, onProgress }),
    );
    set({ status: "done", result, detail: tellResult(result) });
  } catch (error) {
    if (signal?.aborted) return set({ status: "failed", detail: "given up: the ledger is stopping" });
    if (!isLedgerError(error)) throw error;
    if (error.code === "store_damaged")
      return set({ status: "done", result: unreadable(error.message), detail: "cannot be read" });
    set({ status: "failed", detail: `${error.code}: ${error.message}` });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function unreadable(fault: string): Verification {
  return { verdict: "unreadable", rows: 0, differing: 0, findings: [], faults: [fault] };
}

function tellResult({ verdict, rows, differing }: Verification): string {
  if (verdict === "equal") return `${rows} rows equal the log`;
  if (verdict === "differs") return `${differing} of ${rows} rows differ from the log`;
  return "cannot be read";
}

async function withShadow<Result>(
  projection: RebuildName,
  files: Pick<DataFolder, "models" | "views">,
  scratch: string,
  work: <Change>(shadow: ShadowBuild<Change>) => Promise<Result>,
): Promise<Result> {
  switch (projection) {
    case "models": {
      const reader = connectSqlite({ file: files.models, readOnly: true });
      const db = connectSqlite({ file: scratch, cacheMiB: 32 });
      try {
        return await work(await shadowModels(reader, db));
      } finally {
        await Promise.all([reader.destroy(), db.destroy()]);
      }
    }
    case "session": {
      const shadow = shadowSession({ file: files.views, scratch });
      return work(shadow).finally(() => shadow.close());
    }
    case "graph": {
      const shadow = shadowGraph({ file: files.views, scratch });
      return work(shadow).finally(() => shadow.close());
    }
    default:
      return projection satisfies never;
  }
}

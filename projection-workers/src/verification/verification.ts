import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isLedgerError } from "ledger-core";
import { newestStore } from "ledger-core/sql";
import { fileOf, projectionNames } from "../projections/list.ts";
import { unreadable, type Verification, type VerifyOptions } from "../rebuild/verify.ts";
import { pathOf } from "../running/keep-projections.ts";

/** Progress of verifying one projection. `healed`: it was rebuilt because it differed. */
export type VerifyState = {
  readonly projection: string;
  readonly status: "waiting" | "running" | "done" | "failed";
  readonly done: number;
  readonly total: number;
  /** Once done. */
  readonly result: Verification | null;
  readonly healed: boolean;
  readonly detail: string;
};

/** Pace of the verification; each field states its default. */
export type VerifyTuning = {
  /** Events per step. 1 to 100,000. Default 1000. */
  readonly fillMax: number;
  /** The pause after each step, in ms, so that the log's thread can serve commands. 0 to 1000. Default 5. */
  readonly pauseMs: number;
};
export const verifyTuning: VerifyTuning = { fillMax: 1000, pauseMs: 5 };

type VerifyPorts = Pick<VerifyOptions, "log" | "shards" | "signal"> & {
  /** The folder of the files of read models. */
  readonly dir: string;
  readonly tuning: VerifyTuning;
};

const SCRATCH = ".verify-";
const NOT_BUILT = "it is not there yet: ledger start builds it from the log";

export function newVerify(projection: string): VerifyState {
  const none = { done: 0, total: 0, result: null, healed: false };
  return { projection, status: "waiting", ...none, detail: "waiting" };
}

/** Compares every projection with the log, one after another, and reports progress. Changes nothing. */
export async function verifyAll(ports: VerifyPorts, tell: (state: VerifyState) => void): Promise<void> {
  const { dir } = ports;
  // Left over from a killed process.
  for (const name of readdirSync(dir)) if (name.startsWith(SCRATCH)) rmSync(join(dir, name), { recursive: true });
  for (const projection of projectionNames) await verifyOne(projection, ports, tell);
}

async function verifyOne(
  projection: string,
  { dir, log, shards, signal, tuning }: VerifyPorts,
  tell: (state: VerifyState) => void,
): Promise<void> {
  let state: VerifyState = { ...newVerify(projection), status: "running", detail: "comparing with the log" };
  const set = (change: Partial<VerifyState>) => {
    state = { ...state, ...change };
    tell(state);
  };
  const scratch = mkdtempSync(join(dir, SCRATCH));
  const options = { log, shards, ...tuning, ...(signal && { signal }) };
  const onProgress = (done: number, total: number) => set({ done, total });
  try {
    const file = fileOf(projection);
    const files = { live: newestStore(pathOf(dir, file)), scratch: join(scratch, "scratch.sqlite") };
    const result = await file.verify(projection, files, { ...options, onProgress });
    set({ status: "done", result, detail: tellResult(result) });
  } catch (error) {
    if (signal?.aborted) return set({ status: "failed", detail: "given up: the ledger is stopping" });
    if (!isLedgerError(error)) throw error;
    if (error.code === "store_damaged")
      return set({ status: "done", result: unreadable(error.message), detail: "cannot be read" });
    const missing = !existsSync(newestStore(pathOf(dir, fileOf(projection))));
    set({ status: "failed", detail: missing ? NOT_BUILT : `${error.code}: ${error.message}` });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function tellResult({ verdict, rows, differing }: Verification): string {
  if (verdict === "equal") return `${rows} rows equal the log`;
  if (verdict === "differs") return `${differing} of ${rows} rows differ from the log`;
  return "cannot be read";
}

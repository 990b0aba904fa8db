import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

/** The folder into which `.ci/python-tools` installs it. */
const installed = resolve(import.meta.dirname, "../../../.cache/deltalake/bin/python");

/**
 * Finds Python with deltalake (delta-rs), a reader of Delta tables that shares nothing with ours, or why there is none.
 * @throws in CI (CI=true) if there is none, so that nothing is skipped there
 */
export function findDeltaRs(): { readonly python: string } | { readonly absent: string } {
  const python = process.env.DELTALAKE_PYTHON ?? installed;
  if (existsSync(python)) return { python };
  const absent = "no deltalake: .ci/python-tools installs it, or DELTALAKE_PYTHON names a Python that has it";
  if (process.env.CI === "true") throw new Error(absent);
  return { absent };
}

/** Answers queries on the tables in a folder; each answer is a list of rows, cells as text. */
export async function queryDelta(python: string, folder: string, queries: readonly string[]): Promise<unknown[]> {
  const script = join(import.meta.dirname, "query.py");
  const { stdout } = await promisify(execFile)(python, [script, folder, ...queries]);
  return stdout
    .trim()
    .split("\n")
    .map((line): unknown => JSON.parse(line));
}

import { execFile } from "node:child_process";
import { copyFileSync, existsSync } from "node:fs";
import { join, resolve } from "node:path";

/** The folder into which `.ci/python-tools` installs it. */
const installed = resolve(import.meta.dirname, "../../../.cache/schemathesis/bin/python");

/**
 * Finds Python with schemathesis, or why there is none. @throws in CI (CI=true) if there is none, so that nothing is
 * skipped there
 */
export function findSchemathesis(): { readonly python: string } | { readonly absent: string } {
  const python = process.env.SCHEMATHESIS_PYTHON ?? installed;
  if (existsSync(python)) return { python };
  const absent = "no schemathesis: .ci/python-tools installs it, or SCHEMATHESIS_PYTHON names a Python that has it";
  if (process.env.CI === "true") throw new Error(absent);
  return { absent };
}

export type FuzzRun = {
  readonly url: string;
  /** The caller of the requests. */
  readonly token: string;
  readonly operatorToken: string;
  /** A payment that is always declined, and so appends one event. */
  readonly mark: object;
  /** The folder with the files of ids; also for temporary files. */
  readonly folder: string;
  readonly options: readonly string[];
};

/** Runs schemathesis to its end, and returns its report. */
export function fuzz(python: string, run: FuzzRun): Promise<{ readonly code: number; readonly report: string }> {
  // The configuration names the files of ids in this folder.
  for (const name of ["schemathesis.toml", "hooks.py"])
    copyFileSync(join(import.meta.dirname, name), join(run.folder, name));
  const args = ["-m", "schemathesis.cli", "run", `${run.url}/openapi.json`, ...run.options];
  const env = {
    PATH: process.env.PATH,
    LEDGER_FUZZ_URL: run.url,
    LEDGER_FUZZ_TOKEN: run.token,
    LEDGER_FUZZ_OPERATOR: run.operatorToken,
    LEDGER_FUZZ_MARK: JSON.stringify(run.mark),
  };
  return new Promise((done) => {
    const child = execFile(python, args, { cwd: run.folder, env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      process.off("exit", end);
      done({ code: error === null ? 0 : Number(error.code ?? 1), report: `${stdout}${stderr}` });
    });
    const end = () => child.kill("SIGKILL");
    process.on("exit", end);
  });
}

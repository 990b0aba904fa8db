import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";

/** The exit code and the report of `ledger verify --stores`. */
export type VerifiedStores = { readonly code: number | null; readonly report: string };

/** Runs `ledger verify --stores` with the services' settings. */
export async function verifyStores(
  data: string,
  environment: Readonly<Record<string, string>>,
): Promise<VerifiedStores> {
  const entry = resolve(import.meta.dirname, "../../../cli/bin/ledger.js");
  const child = spawn(process.execPath, [entry, "verify", "--stores", "--json", "--wait", "60"], {
    cwd: tmpdir(),
    env: { PATH: process.env.PATH, HOME: process.env.HOME, LEDGER_DATA: data, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, error] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { code: child.exitCode, report: out === "" ? error : out };
}

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../../../..");

/**
 * Runs the commands of docs/analytics.md, from a clone to a report, but for the first one: the clone is this folder.
 * Returns the exit code of the first command that fails.
 */
export async function walkThePage(): Promise<number> {
  const page = readFileSync(join(root, "docs/analytics.md"), "utf8");
  const block = /## From a clone to a model and a report\n[\s\S]*?```sh\n(git clone [^\n]*\n)([\s\S]*?)```/.exec(
    page,
  )?.[2];
  if (block === undefined) throw new Error("docs/analytics.md has no commands from a clone to a report");
  rmSync(join(root, ".cache/sample"), { recursive: true, force: true });
  const options = { cwd: root, stdio: "inherit", detached: true } as const;
  const shell = spawn("bash", ["-euxo", "pipefail", "-c", block], options);
  const [code] = await once(shell, "exit");
  if (shell.pid !== undefined) endGroup(shell.pid);
  return typeof code === "number" ? code : 1;
}

/** Ends the ledger that the commands have left running, if they have come that far. */
function endGroup(group: number): void {
  try {
    process.kill(-group, "SIGTERM");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

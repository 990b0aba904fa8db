import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** How a program ended, and what it printed. */
export type ProgramEnd = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

/** Runs a program to its end. */
export async function runProgram(command: string, args: readonly string[], input?: string): Promise<ProgramEnd> {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk) => {
    stdout += String(chunk);
  });
  child.stderr.on("data", (chunk) => {
    stderr += String(chunk);
  });
  // A program may end without reading its input.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  return { code, stdout, stderr };
}

/** The output of a program. @throws with its errors if it fails */
export async function output(command: string, args: readonly string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await runProgram(command, args, input);
  if (code === 0) return stdout;
  throw new Error(`${command} ${args.slice(0, 4).join(" ")} ended with ${code}:\n${(stderr || stdout).slice(-4000)}`);
}

/** Those of these programs that this machine lacks. */
export function missingPrograms(names: readonly string[]): string[] {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return names.filter((name) => !folders.some((folder) => isExecutable(join(folder, name))));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

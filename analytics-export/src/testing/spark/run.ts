import { spawn } from "node:child_process";
import { once } from "node:events";

/** Runs a program with its output on ours; returns its exit code. */
export async function run(
  program: string,
  args: readonly string[],
  { cwd, environment = {} }: { readonly cwd?: string; readonly environment?: Readonly<Record<string, string>> } = {},
): Promise<number> {
  const options = {
    stdio: "inherit",
    env: { ...process.env, ...environment },
    ...(cwd !== undefined && { cwd }),
  } as const;
  const [code] = await once(spawn(program, args, options), "exit");
  return typeof code === "number" ? code : 1;
}

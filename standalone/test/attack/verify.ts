import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";

const entry = resolve(import.meta.dirname, "../../../cli/bin/ledger.js");

export type Verified = { readonly equal: boolean; readonly output: string };

/** Runs `ledger verify` on the folder of a running ledger; `heal` rebuilds projections that differ. */
export async function runVerify(data: string, heal: boolean): Promise<Verified> {
  const args = ["verify", "--data", data, ...(heal ? ["--heal"] : [])];
  const child = spawn(process.execPath, [entry, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += String(chunk);
    });
  }
  await once(child, "close");
  return { equal: child.exitCode === 0, output };
}

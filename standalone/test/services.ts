import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { textAt } from "./json.ts";

const root = resolve(import.meta.dirname, "../..");

const mains = {
  writer: join(root, "command-service/src/main.ts"),
  projections: join(root, "projection-workers/src/main.ts"),
  queries: join(root, "query-service/src/main.ts"),
} as const;
export type ServiceName = keyof typeof mains;

/** A service as a process of its own. */
export type ServiceProcess = {
  readonly url: string;
  /** Ends it and returns its exit code; null when a signal ended it. */
  end(signal: "SIGTERM" | "SIGKILL"): Promise<number | null>;
  output(): string;
};

const children = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

/**
 * Starts a service on a data folder; returns when it says where it listens. @throws with what it printed when it ends
 * instead
 */
export async function startService(name: ServiceName, data: string): Promise<ServiceProcess> {
  const child = spawn(process.execPath, [mains[name]], {
    cwd: tmpdir(),
    env: { PATH: process.env.PATH, HOME: process.env.HOME, LEDGER_DATA: data, LEDGER_PORT: "0" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.add(child);
  child.on("close", () => children.delete(child));
  let printed = "";
  const listening = new Promise<string>((resolve, reject) => {
    child.stdout.on("data", (chunk) => {
      printed += String(chunk);
      const [line, rest] = printed.split("\n");
      if (line && rest !== undefined) resolve(textAt(JSON.parse(line), "url"));
    });
    child.stderr.on("data", (chunk) => {
      printed += String(chunk);
    });
    child.on("close", (code) => reject(new Error(`${name} ended with ${code} before it listened:\n${printed}`)));
  });
  return {
    url: await listening,
    output: () => printed,
    async end(signal) {
      const ended = once(child, "close");
      child.kill(signal);
      await ended;
      return child.exitCode;
    },
  };
}

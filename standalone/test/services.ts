import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { at, textAt } from "./json.ts";

const root = resolve(import.meta.dirname, "../..");

const commands = {
  "command-service": ["start", "command-service"],
  mirror: ["start", "mirror"],
  projections: ["start", "projections"],
  "query-service": ["start", "query-service"],
} as const;
export type ServiceName = keyof typeof commands;

/** A service in its own process. */
export type StartedService = {
  /** URL of its API; empty if it has none. */
  readonly url: string;
  /** URL of /livez, /readyz and /metrics. */
  readonly operations: string;
  readonly pid: number;
  /** How it exited; undefined while it runs. */
  ended(): string | undefined;
  /** Stops it and returns its exit code; null if a signal ended it. */
  end(signal: "SIGTERM" | "SIGKILL"): Promise<number | null>;
  output(): string;
};

/** How many of the last characters of a service's output are kept. */
const PRINTED_MAX = 100_000;

const children = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

/**
 * Starts a service on a data folder; returns once it prints its address.
 * @param tree whose programs, such as those of another release. Default: these
 * @throws with its output if it exits instead
 */
export async function startService(
  name: ServiceName,
  data: string,
  env: Readonly<Record<string, string>> = {},
  tree = root,
): Promise<StartedService> {
  const ports = { LEDGER_PORT: "0", LEDGER_OPERATIONS_PORT: "0" };
  const child = spawn(process.execPath, [join(tree, "cli/bin/ledger.js"), ...commands[name]], {
    cwd: tmpdir(),
    env: { PATH: process.env.PATH, HOME: process.env.HOME, LEDGER_DATA: data, ...ports, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    // Ctrl-C in a terminal is for the process that started the service, which stops its services in order.
    detached: true,
  });
  children.add(child);
  child.on("close", () => children.delete(child));
  let printed = "";
  let answered = "";
  const listening = new Promise<unknown>((resolve, reject) => {
    child.stdout.on("data", (chunk) => {
      printed += String(chunk);
      answered += String(chunk);
      const [line, rest] = answered.split("\n");
      if (line && rest !== undefined) resolve(JSON.parse(line));
    });
    child.stderr.on("data", (chunk) => {
      printed = (printed + String(chunk)).slice(-PRINTED_MAX);
    });
    child.on("close", (code) => reject(new Error(`${name} ended with ${code} before it listened:\n${printed}`)));
  });
  const addresses = await listening;
  return {
    url: String(at(addresses, "url") ?? ""),
    operations: textAt(addresses, "operations"),
    output: () => printed,
    pid: child.pid ?? 0,
    ended() {
      const { exitCode, signalCode } = child;
      if (exitCode === null && signalCode === null) return undefined;
      return `with ${signalCode ?? exitCode}: ${printed.trim().split("\n").at(-1)}`;
    },
    async end(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const ended = once(child, "close");
      child.kill(signal);
      await ended;
      return child.exitCode;
    },
  };
}

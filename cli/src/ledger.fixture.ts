import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const entry = join(import.meta.dirname, "../bin/ledger.js");

export type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

/** A running `ledger` command. */
export type Running = {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves once stdout matches. @throws with all output if the command ends first */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
};

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export function runLedger(...args: readonly string[]): Running {
  return runLedgerWith({}, ...args);
}

/** Starts a command; `env` is added to this process's environment. */
export function runLedgerWith(env: Readonly<Record<string, string>>, ...args: readonly string[]): Running {
  const child = spawn(process.execPath, [entry, ...args], {
    cwd: tmpdir(),
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    stdout += chunk;
  });
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    stderr += chunk;
  });
  const ended = once(child, "close").then(() => {
    running.delete(child);
    return { code: child.exitCode, stdout, stderr };
  });
  const printed = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(stdout);
        if (match) resolve(match);
      };
      look();
      child.stdout.on("data", look);
      void ended.then(() => reject(new Error(`ended with ${child.exitCode} without ${pattern}:\n${stdout}${stderr}`)));
    });
  return { child, ended, printed };
}

/** Runs a command to its end. */
export function ledger(...args: readonly string[]): Promise<Ended> {
  return runLedger(...args).ended;
}

/** Parses the one JSON document that a command printed. */
export function documentOf(ended: Ended): Record<string, unknown> {
  const document: unknown = JSON.parse(ended.stdout);
  if (typeof document !== "object" || document === null) throw new Error(`no document: ${ended.stdout}`);
  return { ...document };
}

export type Server = {
  readonly dir: string;
  readonly url: string;
  start(): Promise<void>;
  kill(): Promise<void>;
  stop(): Promise<Ended>;
  /** The revision of the log's last event. */
  head(): Promise<number>;
  remove(): Promise<void>;
};

/** `ledger start` on its own folder; after a kill it restarts on the same port. */
export async function startServer(): Promise<Server> {
  const dir = mkdtempSync(join(tmpdir(), "ledger-cli-"));
  let server: Running | undefined;
  let url = "";
  let token = "";
  const end = async (signal: "SIGKILL" | "SIGTERM") => {
    server?.child.kill(signal);
    return (await server?.ended) ?? { code: null, stdout: "", stderr: "" };
  };
  const start = async () => {
    server = runLedger("start", "--data", dir, "--port", url === "" ? "0" : new URL(url).port, "--json");
    const [, found = ""] = await server.printed(/"url":"([^"]+)"/);
    url = found;
  };
  await start();
  token = (await ledger("token", "--role", "operator", "--data", dir)).stdout.trim();
  return {
    dir,
    url,
    start,
    kill: async () => void (await end("SIGKILL")),
    stop: () => end("SIGTERM"),
    async head() {
      const response = await fetch(`${url}/admin/positions`, { headers: { authorization: `Bearer ${token}` } });
      const match = /"head":(-?\d+)/.exec(await response.text());
      return Number(match?.[1]);
    },
    async remove() {
      await end("SIGKILL");
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

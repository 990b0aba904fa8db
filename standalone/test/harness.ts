import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { type Client, createClient, type Endpoint } from "./client.ts";
import { textAt } from "./json.ts";

const root = resolve(import.meta.dirname, "../..");
const run = promisify(execFile);

/** The real `ledger start` as a child process on a temporary data folder, which outlives restarts. */
export type Ledger = {
  readonly data: string;
  readonly url: string;
  /**
   * Starts the server and waits until it is ready.
   * @param tree whose programs, such as those of another release. Default: these
   * @throws with its output if it exits instead
   */
  start(tree?: string): Promise<void>;
  /** Starts the server and returns its exit once it has printed something, or before. */
  startUnready(): Promise<void>;
  /** Sends kill -9 and waits for the exit. */
  kill(): Promise<void>;
  /** Sends SIGTERM; returns the exit code. */
  stop(): Promise<number | null>;
  /**
   * Suspends the process while `work` runs, so that requests wait in the kernel's buffers and SIGTERM arrives first.
   */
  stopHalted(work: () => Promise<void>): Promise<number | null>;
  /** Output since its last start. */
  output(): string;
  as(role: string, owner?: string, tenant?: string): Promise<Client>;
  /** Ends the server and deletes the folder. */
  remove(): Promise<void>;
};

const children = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

export function createLedger(): Ledger {
  const data = mkdtempSync(join(tmpdir(), "payledger-e2e-"));
  const endpoint: Endpoint = { url: "", revision: -1 };
  const clients = new Map<string, Promise<Client>>();
  let child: ChildProcess | undefined;
  let printed = "";

  const launch = (tree = root): ChildProcess => {
    printed = "";
    const started = spawnLedger(tree, ["start", "--data", data, "--port", "0"]);
    child = started;
    const take = (chunk: unknown) => {
      printed += String(chunk);
    };
    started.stdout?.on("data", take);
    started.stderr?.on("data", take);
    return started;
  };
  const signal = async (name: "SIGKILL" | "SIGTERM"): Promise<number | null> => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const end = once(child, "close");
    child.kill(name);
    await end;
    return child.exitCode;
  };

  return {
    data,
    get url() {
      return endpoint.url;
    },
    output: () => printed,
    async start(tree) {
      const port = await portOf(launch(tree), () => printed);
      endpoint.url = `http://127.0.0.1:${port}`;
      await ready(endpoint.url, () => printed);
    },
    async startUnready() {
      const started = launch();
      await Promise.race([started.stdout && once(started.stdout, "data"), once(started, "close")]);
    },
    kill: async () => void (await signal("SIGKILL")),
    stop: () => signal("SIGTERM"),
    async stopHalted(work) {
      child?.kill("SIGSTOP");
      await work();
      const end = signal("SIGTERM");
      child?.kill("SIGCONT");
      return end;
    },
    as(role, owner = role, tenant = "default") {
      const name = JSON.stringify([role, owner, tenant]);
      const known = clients.get(name) ?? makeToken(data, role, owner, tenant).then((t) => createClient(endpoint, t));
      clients.set(name, known);
      return known;
    },
    async remove() {
      await signal("SIGKILL");
      rmSync(data, { recursive: true, force: true });
    },
  };
}

/** The file behind the `ledger` command, as npm would link it. */
function entryFile(tree: string): string {
  const manifest: unknown = JSON.parse(readFileSync(join(tree, "cli/package.json"), "utf8"));
  return join(tree, "cli", textAt(manifest, "bin", "ledger"));
}

function spawnLedger(tree: string, args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [entryFile(tree), ...args], {
    cwd: tmpdir(),
    env: { PATH: process.env.PATH, HOME: process.env.HOME },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.add(child);
  child.on("close", () => children.delete(child));
  return child;
}

/** A token made by `ledger token` on a data folder. */
export async function makeToken(data: string, role: string, owner: string, tenant: string): Promise<string> {
  const args = ["token", "--role", role, "--owner", owner, "--tenant", tenant, "--data", data];
  const { stdout } = await run(process.execPath, [entryFile(root), ...args], { cwd: tmpdir() });
  return stdout.trim();
}

/** The port that the server prints. */
function portOf(child: ChildProcess, printed: () => string): Promise<string> {
  return new Promise((found, failed) => {
    child.stdout?.on("data", () => {
      const port = /http:\/\/127\.0\.0\.1:(\d+)/.exec(printed())?.[1];
      if (port) found(port);
    });
    child.on("close", (code) => failed(new Error(`the server ended with ${code} before it listened:\n${printed()}`)));
  });
}

/** The server listens only once it serves, so the first answer must be ready. */
async function ready(url: string, printed: () => string): Promise<void> {
  const response = await fetch(`${url}/readyz`);
  if (response.status !== 200) throw new Error(`not ready: ${await response.text()}\n${printed()}`);
}

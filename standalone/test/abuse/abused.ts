import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { signToken } from "ledger-core/http/tokens";
import { openDataFolder } from "../../src/data-folder.ts";

const entry = resolve(import.meta.dirname, "../../../cli/bin/ledger.js");

/** The server's current resource usage. */
export type Usage = {
  readonly rssBytes: number;
  /** The peak since the process started. */
  readonly rssMostBytes: number;
  readonly descriptors: number;
  /** The longest pause of the serving thread since the last reading. */
  readonly loopMs: number;
};

export type Stop = { readonly code: number | null; readonly ms: number; readonly printed: string };

/** The real `ledger start` in its own process, watched from outside. */
export type Abused = {
  readonly url: string;
  token(role: "operator" | "consumer" | "merchant", sub: string, tenant?: string): Promise<string>;
  usage(): Usage;
  /** Sends SIGTERM; returns the exit code, the time it took, and the end of the output. */
  stop(): Promise<Stop>;
  /** Undefined while it runs. */
  ended(): string | undefined;
  kill(): void;
};

export async function startAbused(data: string): Promise<Abused> {
  const watch = join(import.meta.dirname, "watched-loop.ts");
  const child = spawn(process.execPath, ["--import", watch, entry, "start", "--data", data, "--port", "0"], {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: { PATH: process.env.PATH },
  });
  process.on("exit", () => child.kill("SIGKILL"));
  let printed = "";
  let loopMs = 0;
  child.stdout?.on("data", (chunk) => {
    printed = (printed + String(chunk)).slice(-8000);
  });
  child.stderr?.on("data", (chunk) => {
    printed = (printed + String(chunk)).slice(-8000);
  });
  child.on("message", (told: { loopMs?: number }) => {
    loopMs = Math.max(loopMs, told.loopMs ?? 0);
  });
  const closed = once(child, "close");
  const url = await new Promise<string>((found, failed) => {
    child.stdout?.on("data", () => {
      const [match] = /http:\/\/127\.0\.0\.1:\d+/.exec(printed) ?? [];
      if (match) found(match);
    });
    void closed.then(() => failed(new Error(`the server ended before it listened:\n${printed}`)));
  });
  const { signingKeys } = await openDataFolder(data);
  const running = () => child.exitCode === null && child.signalCode === null;
  return {
    url,
    token: (role, sub, tenant = "default") => signToken({ tenant, role, sub, ttlSeconds: 86_400 }, signingKeys),
    usage() {
      const most = loopMs;
      loopMs = 0;
      return { ...memoryOf(child.pid ?? 0), loopMs: most };
    },
    async stop() {
      const begin = performance.now();
      child.kill("SIGTERM");
      await closed;
      return { code: child.exitCode, ms: performance.now() - begin, printed };
    },
    ended: () => (running() ? undefined : `ended with ${child.exitCode ?? child.signalCode}:\n${printed}`),
    kill: () => void child.kill("SIGKILL"),
  };
}

/** Linux has it for any process: proc(5). Zeros elsewhere, and after the process has ended. */
function memoryOf(pid: number): Omit<Usage, "loopMs"> {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const bytes = (name: string) => 1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0);
    const descriptors = readdirSync(`/proc/${pid}/fd`).length;
    return { rssBytes: bytes("VmRSS"), rssMostBytes: bytes("VmHWM"), descriptors };
  } catch {
    return { rssBytes: 0, rssMostBytes: 0, descriptors: 0 };
  }
}

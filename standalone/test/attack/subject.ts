import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import type { AttackOrder, ServerReport } from "./server.ts";

/** The process ended unexpectedly. */
export class Died extends Error {}
/** The ledger did not start on its folder; the process still runs. */
export class NoStart extends Error {}

/** The attacked ledger: a process on a data folder, which outlives it. */
export type Subject = {
  readonly data: string;
  url(): string;
  /** Starts the ledger, in the current process or in a new one. @throws NoStart, Died */
  start(what: "whole" | "commands"): Promise<void>;
  /** Stops the ledger in order; the process stays. @throws Died */
  stop(): Promise<void>;
  kill(): Promise<void>;
  /** Rejects if the process ends unexpectedly. */
  death(): Promise<never>;
  /** How many messages with this text were logged since `takeMessages` was last called. */
  logged(text: RegExp): number;
  /** The messages logged since the last call, each with its count. */
  takeMessages(): ReadonlyMap<string, number>;
};

const children = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

export function makeSubject(data: string): Subject {
  let url = "";
  let messages = new Map<string, number>();
  let lastLines: string[] = [];
  let lastEnd: Promise<never> = Promise.reject(new Died("the process was never started"));
  lastEnd.catch(() => {});
  let running: { child: ChildProcess; lines: Interface; ended: Promise<never> } | undefined;

  function spawnServer(): NonNullable<typeof running> {
    const flags = ["--import", join(import.meta.dirname, "tiny-cache.ts"), "--max-old-space-size=1024"];
    const args = [...flags, join(import.meta.dirname, "server.ts"), data];
    const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "pipe"] });
    children.add(child);
    createInterface({ input: child.stderr }).on("line", (line) => {
      lastLines = [...lastLines.slice(-30), line];
      const message = messageOf(line);
      messages.set(message, (messages.get(message) ?? 0) + 1);
    });
    const ended = once(child, "close").then(([code, signal]): never => {
      children.delete(child);
      if (running?.child === child) running = undefined;
      throw new Died(`the process ended with ${code ?? signal}:\n${lastLines.join("\n")}`);
    });
    // A waiting caller sees it; without one, the end was requested.
    ended.catch(() => {});
    lastEnd = ended;
    return { child, lines: createInterface({ input: child.stdout }), ended };
  }

  async function order(what: AttackOrder): Promise<ServerReport> {
    running ??= spawnServer();
    const { child, lines, ended } = running;
    const answer = once(lines, "line").then(([line]): ServerReport => JSON.parse(String(line)));
    child.stdin?.write(`${what}\n`);
    return Promise.race([answer, ended]);
  }

  return {
    data,
    url: () => url,
    async start(what) {
      const told = await order(`start ${what}`);
      if (told.kind === "failed") throw new NoStart(told.detail);
      if (told.kind === "started") url = told.url;
    },
    async stop() {
      const told = await order("stop");
      if (told.kind === "failed") throw new NoStart(told.detail);
    },
    async kill() {
      const ending = running?.ended.catch(() => {});
      running?.child.kill("SIGKILL");
      await ending;
    },
    death: () => lastEnd,
    logged: (text) => [...messages].reduce((sum, [message, count]) => sum + (text.test(message) ? count : 0), 0),
    takeMessages() {
      const taken = messages;
      messages = new Map();
      return taken;
    },
  };
}

/** The message of a log line, without the numbers that differ between lines. */
function messageOf(line: string): string {
  let text = line;
  try {
    const { msg, detail, store, projection }: Partial<Record<string, string>> = JSON.parse(line);
    text = [store ?? projection, msg ?? line, detail].filter((part) => part !== undefined).join(": ");
  } catch {
    // Progress messages are plain text.
  }
  return text
    .replace(/[a-z]+_[0-9a-hjkmnp-tv-z]{26}/g, "ID")
    .replace(/\d+/g, "N")
    .slice(0, 160);
}

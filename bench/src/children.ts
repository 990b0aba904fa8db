import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { LoadPlan, LoadResult, LoadWindow } from "./load/plan.ts";

/** A child process that answers requests in lines of JSON; its first line says that it is ready. */
export type Child<Ready> = {
  readonly ready: Ready;
  readonly pid: number;
  /** Sends a line and waits for its answer. */
  ask<T>(question: object): Promise<T>;
  stop(): Promise<void>;
};

const running = new Set<ChildProcess>();

/** The checkout whose servers are measured; undefined for this one. */
export type Checkout = string | undefined;

export async function startChild<Ready>(script: string, options: object, build?: Checkout): Promise<Child<Ready>> {
  const child = start(script, [JSON.stringify(options)], build);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async () => {
    const line = await lines.next();
    if (line.done) throw new Error(`${script} ended before it answered (exit ${child.exitCode})`);
    return JSON.parse(line.value);
  };
  const ready: Ready = await read();
  return {
    ready,
    pid: child.pid ?? -1,
    async ask(question) {
      child.stdin.write(`${JSON.stringify(question)}\n`);
      return read();
    },
    stop: () => stopChild(child),
  };
}

/** Stops every running child and waits for it, so that a failure leaves nothing running. */
export async function endChildren(): Promise<void> {
  const ends = Array.from(running, (child) => once(child, "exit"));
  for (const child of running) child.kill("SIGTERM");
  await Promise.all(ends);
}

/** Runs a load in its own process, so that it takes no time from the server's thread. */
export function runLoad(plan: LoadPlan, onWindow?: (window: LoadWindow) => Promise<void>): Promise<LoadResult> {
  return runScript("load/main.ts", plan, onWindow);
}

/** Runs one of our scripts on a plan until it prints its result. */
export async function runScript<Result>(
  script: string,
  plan: object,
  onWindow?: (window: LoadWindow) => Promise<void>,
): Promise<Result> {
  const child = start(script, []);
  child.stdin.end(JSON.stringify(plan));
  const exit = once(child, "exit");
  let result: Result | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    const told: { result?: Result; window?: LoadWindow } = JSON.parse(line);
    if (told.window) await onWindow?.(told.window);
    result = told.result ?? result;
  }
  const [code] = await exit;
  if (code !== 0 || result === undefined) throw new Error(`${script} ended with ${code}`);
  return result;
}

function start(script: string, args: readonly string[], build?: Checkout) {
  const path = build === undefined ? fileURLToPath(new URL(script, import.meta.url)) : join(build, "bench/src", script);
  const child = spawn(process.execPath, [path, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.stdin?.end();
  await exit;
}

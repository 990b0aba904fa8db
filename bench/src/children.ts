import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { LoadPlan, LoadResult } from "./load/plan.ts";

/** A child that answers requests in lines of JSON: its first line says that it is ready. */
export type Child<Ready> = {
  readonly ready: Ready;
  readonly pid: number;
  /** Sends a line and waits for the line that answers it. */
  ask<T>(question: object): Promise<T>;
  stop(): Promise<void>;
};

export async function startChild<Ready>(
  script: string,
  options: object,
  nodeFlags: string[] = [],
): Promise<Child<Ready>> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(process.execPath, [...nodeFlags, path, JSON.stringify(options)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
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

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.stdin?.end();
  await once(child, "exit");
}

/** Runs a load in a process of its own, so that it takes nothing from the server's thread. */
export async function runLoad(plan: LoadPlan): Promise<LoadResult> {
  const path = fileURLToPath(new URL("load/main.ts", import.meta.url));
  const child = spawn(process.execPath, [path], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(JSON.stringify(plan));
  const [printed, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  if (code !== 0) throw new Error(`the load ended with ${code}`);
  return JSON.parse(printed);
}

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { ChildOrder, ChildReport } from "./event-log-child-process.ts";

/** A process that has opened a SQLite log. */
export type LogChild = AsyncDisposable & {
  readonly pid: number;
  /** Makes it append `count` events of `size` bytes to shard 0 at revision `first`. */
  append(first: number, count: number, size?: number): Promise<ChildReport>;
  /** Sends kill -9 and waits until the process is gone. */
  kill(): Promise<void>;
};

/** Starts a process that opens the log in `file`, and waits until it has. `launcher` is put before the command line. */
export async function startLogChild(file: string, launcher: readonly string[] = []): Promise<LogChild> {
  const script = fileURLToPath(new URL("./event-log-child-process.ts", import.meta.url));
  const [command = process.execPath, ...before] = launcher;
  const child = fork(script, [file], {
    execPath: command,
    execArgv: launcher.length > 0 ? [...before, process.execPath] : [],
    serialization: "advanced",
  });
  await told(child);
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  };
  return {
    pid: child.pid ?? 0,
    append: async (first, count, size = 120) => {
      const answer = told(child);
      child.send({ first, count, size } satisfies ChildOrder);
      return await answer;
    },
    kill,
    [Symbol.asyncDispose]: kill,
  };
}

/** The child's next message; @throws if the child ends. */
function told(child: ChildProcess): Promise<ChildReport> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`the process ended with ${code}`));
    child.once("exit", ended);
    child.once("message", (message: ChildReport) => {
      child.off("exit", ended);
      resolve(message);
    });
  });
}

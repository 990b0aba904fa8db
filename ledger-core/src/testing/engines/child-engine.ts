import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";

/** A real engine in a process of its own, which does not outlive the test run, however that ends. */
export type ChildEngine = { stop(): Promise<void> };

export type ChildEngineOptions = {
  readonly command: string;
  readonly args: readonly string[];
  /** Removed when the engine has ended. */
  readonly folder: string;
  /** The line of its own output that says that it serves. */
  readonly ready: RegExp;
  readonly readyMs: number;
};

/**
 * The shell stays between: its input is a pipe of ours, which ends when we do, also by kill -9. It then stops the
 * engine, waits for its end, and only then removes the folder. It says nothing itself: with us gone, a word of its own
 * would end it.
 */
const guard = `
  exec 3<&0; folder=$1; shift
  "$@" </dev/null 3<&- & engine=$!
  exec >/dev/null 2>&1
  ( read -r _ <&3; kill -TERM $engine ) & watch=$!
  wait $engine; code=$?
  kill $watch; rm -rf "$folder"; exit $code`;

/** Starts an engine and waits for its ready line; an engine that ends before is an error with its last words. */
export async function startChildEngine(options: ChildEngineOptions): Promise<ChildEngine> {
  const { command, args, folder, ready, readyMs } = options;
  const child = spawn("sh", ["-c", guard, "sh", folder, command, ...args], {
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  const exit = once(child, "exit");
  const bound = setTimeout(() => child.stdin.end(), readyMs);
  try {
    await saysReady(child, ready, command);
  } catch (error) {
    child.stdin.end();
    await exit;
    throw error;
  } finally {
    clearTimeout(bound);
  }
  return {
    async stop() {
      child.stdin.end();
      await exit;
    },
  };
}

async function saysReady({ stdout, stderr }: ChildProcess, ready: RegExp, command: string): Promise<void> {
  const lastWords: string[] = [];
  const found = Promise.withResolvers<void>();
  const ends = [stdout, stderr].map(async (stream) => {
    if (!stream) return;
    for await (const line of createInterface({ input: stream })) {
      if (ready.test(line)) found.resolve();
      lastWords.push(line);
      if (lastWords.length > 20) lastWords.shift();
    }
  });
  void Promise.all(ends).then(() => found.reject(new Error(`${command} did not start:\n${lastWords.join("\n")}`)));
  await found.promise;
}

const FIRST_PORT = 20_000;
const PORTS = 12_000;

/** A port that nobody listens on, below those that outgoing connections take. */
export async function freePort(): Promise<number> {
  while (true) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    const server = createServer();
    const bound = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!bound) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

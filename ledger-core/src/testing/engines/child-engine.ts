import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

/** A real engine as a child process that never outlives the test run, however that ends. */
export type ChildEngine = {
  /** Stops the engine in order and removes its folder. */
  stop(): Promise<void>;
  /** Kills the engine with SIGKILL and keeps its folder, so that it can be restarted on it. */
  kill(): Promise<void>;
};

export type ChildEngineOptions = {
  readonly command: string;
  readonly args: readonly string[];
  /** Removed after the engine has stopped. */
  readonly folder: string;
  /** Matches the line of output that says the engine is ready. */
  readonly ready: RegExp;
  readonly readyMs: number;
  /** KILL if the engine need not shut down cleanly; its folder is removed either way. Default TERM. */
  readonly stopBy?: "TERM" | "KILL";
};

const KEEP = ".keep";

/**
 * A shell between us and the engine. Its stdin is a pipe that closes when we end, even by kill -9. It then stops the
 * engine, waits for its end, and only then removes the folder, unless told to keep it. It first prints the engine's
 * process id, and then nothing: once we are gone, any output would kill it.
 */
const guard = `
  exec 3<&0; folder=$1; stop=$2; shift 2
  sh -c 'echo $$; exec "$@"' sh "$@" </dev/null 3<&- & engine=$!
  exec >/dev/null 2>&1
  ( cat <&3; kill -$stop $engine; sleep 15; kill -KILL $engine ) & watch=$!
  wait $engine; code=$?
  cat <&3; kill $watch
  if [ -e "$folder/${KEEP}" ]; then rm "$folder/${KEEP}"; else rm -rf "$folder"; fi; exit $code`;

/** Starts an engine and waits for its ready line. @throws with the engine's last output if it exits first */
export async function startChildEngine(options: ChildEngineOptions): Promise<ChildEngine> {
  const { command, args, folder, ready, readyMs, stopBy = "TERM" } = options;
  const child = spawn("sh", ["-c", guard, "sh", folder, stopBy, command, ...args], {
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  const exit = once(child, "exit");
  const end = async () => {
    child.stdin.end();
    await exit;
  };
  const output = readOutput(child, ready, command);
  const bound = setTimeout(() => child.stdin.end(), readyMs);
  try {
    await output.ready;
  } catch (error) {
    await end();
    throw error;
  } finally {
    clearTimeout(bound);
  }
  return {
    stop: end,
    async kill() {
      await writeFile(join(folder, KEEP), "");
      process.kill(await output.pid, "SIGKILL");
      await output.ended;
      await end();
    },
  };
}

/**
 * Reads the engine's output: its process id, the ready line, and the end of both streams, which means it has exited.
 */
function readOutput({ stdout, stderr }: ChildProcess, ready: RegExp, command: string) {
  const lastWords: string[] = [];
  const pid = Promise.withResolvers<number>();
  const found = Promise.withResolvers<void>();
  const follow = async (stream: Readable | null, onLine: (line: string) => void) => {
    if (!stream) return;
    for await (const line of createInterface({ input: stream })) {
      onLine(line);
      if (ready.test(line)) found.resolve();
      lastWords.push(line);
      if (lastWords.length > 20) lastWords.shift();
    }
  };
  const ended = Promise.all([follow(stdout, (line) => pid.resolve(Number(line))), follow(stderr, () => undefined)]);
  void ended.then(() => found.reject(new Error(`${command} did not start:\n${lastWords.join("\n")}`)));
  return { pid: pid.promise, ready: found.promise, ended };
}

const FIRST_PORT = 20_000;
const PORTS = 12_000;

/** A free port below the range of outgoing connections. */
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

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import type { CoverageAnswer } from "./coverage.ts";
import type { EnteredFunction } from "./path.ts";

/** How long nothing new must be entered before a span counts as over: projections follow the answer. */
const QUIET_MS = 1500;
/** How long each round waits for threads that have not answered one before, and at most for those that have. */
const ROUND_MS = 300;
const ANSWER_MAX_MS = 10_000;

/**
 * The functions that one payment and one query enter in a running ledger of a checkout, all of its threads together.
 */
export async function entered(tree: string): Promise<EnteredFunction[]> {
  const root = realpathSync(tree);
  const data = mkdtempSync(join(tmpdir(), "payledger-shape-"));
  const { bin }: { bin: { ledger: string } } = JSON.parse(readFileSync(join(root, "cli/package.json"), "utf8"));
  const ledger = join(root, "cli", bin.ledger);
  const preload = ["--import", join(import.meta.dirname, "coverage.ts")];
  const server = spawn(process.execPath, [...preload, ledger, "start", "--data", data, "--port", "0"], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, SHAPE_ROOT: root },
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  try {
    const url = await urlOf(server);
    const client = createClient(url, await tokenOf(ledger, data));
    const wallet = await client.post("/v1/accounts", { type: "wallet", currency: "HKD", owner: "alice" });
    const merchant = await client.post("/v1/accounts", { type: "merchant", currency: "HKD", owner: "noodles" });
    const [payer, payee] = [wallet.id, merchant.id];
    const funded = await client.post("/v1/top-ups", { account: payer, amount: "10000", currency: "HKD", rail: "fps" });
    await client.get(`/v1/accounts/${payer}/entries`, funded.position);
    const threads = new Set<number>();
    await takeUntilQuiet(server, threads);
    const paid = await client.post("/v1/payments", { payer, payee, amount: "1250", currency: "HKD" });
    await client.get(`/v1/accounts/${payer}/entries`, paid.position);
    return await takeUntilQuiet(server, threads);
  } finally {
    const exit = once(server, "exit");
    server.kill("SIGTERM");
    await exit;
    rmSync(data, { recursive: true, force: true });
  }
}

async function urlOf(server: ChildProcess): Promise<string> {
  if (server.stdout === null) throw new Error("the server has no output");
  for await (const line of createInterface({ input: server.stdout })) {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
    if (url === undefined) continue;
    server.stdout.resume();
    return url;
  }
  throw new Error("the server ended before it listened");
}

async function tokenOf(ledger: string, data: string): Promise<string> {
  const child = spawn(process.execPath, [ledger, "token", "--role", "operator", "--data", data], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  return String(Buffer.concat(await child.stdout.toArray())).trim();
}

function createClient(url: string, token: string) {
  const send = async (path: string, init: RequestInit & { headers: Record<string, string> }) => {
    const headers = { authorization: `Bearer ${token}`, ...init.headers };
    const response = await fetch(`${url}${path}`, { ...init, headers });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    const { id = "" }: { id?: string } = JSON.parse(text);
    return { id, position: response.headers.get("ledger-position") ?? "" };
  };
  let keys = 0;
  return {
    post: (path: string, body: object) =>
      send(path, {
        method: "POST",
        body: JSON.stringify(body),
        headers: { "content-type": "application/json", "idempotency-key": `shape-${keys++}` },
      }),
    get: (path: string, position: string) =>
      send(path, { headers: { "ledger-position": position, "ledger-wait": "10000" } }),
  };
}

/**
 * Takes the functions entered since the last take, round after round until a round finds none, and resets the counts. A
 * round ends when every known thread has answered, so that no call is counted in a later span.
 */
async function takeUntilQuiet(server: ChildProcess, threads: Set<number>): Promise<EnteredFunction[]> {
  const found = new Map<string, EnteredFunction>();
  let answered = new Set<number>();
  let round = 0;
  const add = (answer: CoverageAnswer) => {
    for (const one of answer.functions) found.set(`${one.file}:${one.start}`, one);
    threads.add(answer.thread);
    if (answer.round === round) answered.add(answer.thread);
  };
  server.on("message", add);
  for (let quietMs = 0; quietMs < QUIET_MS; quietMs += ROUND_MS) {
    const before = found.size;
    answered = new Set();
    round++;
    server.send(round);
    for (let waitedMs = 0; waitedMs < ANSWER_MAX_MS; waitedMs += ROUND_MS) {
      await setTimeout(ROUND_MS);
      if (answered.size === threads.size) break;
    }
    for (const thread of threads) if (!answered.has(thread)) threads.delete(thread);
    if (found.size > before) quietMs = 0;
  }
  server.off("message", add);
  return [...found.values()];
}

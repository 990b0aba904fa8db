import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { at } from "../json.ts";
import { type Abused, type Stop, startAbused, type Usage } from "./abused.ts";
import type { AbusersData, Answers } from "./abusers.ts";
import { type Honest, type HonestWindow, startHonest } from "./honest.ts";

export type AbuseOptions = {
  readonly seconds: number;
  readonly seed: number;
  /** Length of a reported window, in seconds. */
  readonly windowSeconds: number;
  /** Acts whose name contains this; all by default. */
  readonly only?: string;
  readonly onWindow?: (window: Window) => void;
};

export type Window = HonestWindow & Usage & { readonly atSeconds: number };

export type AbuseReport = {
  readonly windows: readonly Window[];
  readonly answers: Answers;
  /** Why the server ended before it was stopped; undefined if it did not. */
  readonly died: string | undefined;
  readonly stop: Stop;
};

const CONNECTIONS_MAX = 900;
const HONEST = { lanes: 8, roundsPerSecond: 20 } as const;

/**
 * Mixed abuse of a real `ledger start` beside an honest client for a given time, then SIGTERM while the abuse
 * continues. Loopback only.
 */
export async function abuse(options: AbuseOptions): Promise<AbuseReport> {
  const { seed } = options;
  const folder = mkdtempSync(join(tmpdir(), "payledger-abuse-"));
  const server = await startAbused(join(folder, "data"));
  try {
    const honest = await openHonest(server);
    const abusers = new Worker(new URL("./abusers.ts", import.meta.url), {
      workerData: await abusersData(server, seed, options.only ?? ""),
    });
    const windows = await watch(options, server, honest);
    const died = server.ended();
    if (died === undefined) await honest.end();
    const stop = await server.stop();
    const answers = once(abusers, "message").then(([told]): Answers => told);
    abusers.postMessage("end");
    return { windows, answers: await answers, died, stop };
  } finally {
    server.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function watch(options: AbuseOptions, server: Abused, honest: Honest): Promise<Window[]> {
  const windows: Window[] = [];
  const began = performance.now();
  honest.take();
  while (performance.now() - began < options.seconds * 1000 && server.ended() === undefined) {
    await delay(options.windowSeconds * 1000);
    const atSeconds = Math.round((performance.now() - began) / 1000);
    const window = { ...honest.take(), ...server.usage(), atSeconds };
    windows.push(window);
    options.onWindow?.(window);
  }
  return windows;
}

async function openHonest(server: Abused): Promise<Honest> {
  const [operatorToken, consumerToken] = [
    await server.token("operator", "bank"),
    await server.token("consumer", "alice"),
  ];
  return startHonest({ ...HONEST, url: server.url, owner: "alice", operatorToken, consumerToken });
}

/** A consumer with two empty wallets in the honest client's tenant, and an operator of another tenant. */
async function abusersData(server: Abused, seed: number, only: string): Promise<AbusersData> {
  const bank = await server.token("operator", "bank");
  const open = async (n: number): Promise<string> => {
    const headers = {
      authorization: `Bearer ${bank}`,
      "content-type": "application/json",
      "idempotency-key": `mallory-${n}`,
    };
    const body = JSON.stringify({ type: "wallet", currency: "HKD", owner: "mallory" });
    const response = await fetch(`${server.url}/v1/accounts`, { method: "POST", headers, body });
    return String(at(await response.json(), "id"));
  };
  return {
    ...{ url: server.url, seed, connectionsMax: CONNECTIONS_MAX, only },
    consumer: await server.token("consumer", "mallory"),
    operator: await server.token("operator", "mallory", "evil"),
    wallets: [await open(0), await open(1)],
  };
}

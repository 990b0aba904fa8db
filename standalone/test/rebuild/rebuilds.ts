import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { startLanes } from "../chaos/lanes.ts";
import type { Client } from "../client.ts";
import { at, textAt } from "../json.ts";
import { seeded } from "../random.ts";
import { startWatchers } from "./watchers.ts";

export type RebuildsOptions = {
  readonly url: string;
  readonly data: string;
  /** The settings that lead to the services' stores; none: those of the folder. */
  readonly environment: Readonly<Record<string, string>>;
  readonly projections: readonly string[];
  readonly seed: number;
  readonly lanes: number;
  /** How long clients are measured before the first rebuild, in ms. */
  readonly quietMs: number;
  readonly tell: (text: string) => void;
};

/** Returns what clients or rebuilds saw that they must not see. */
export async function playRebuilds(options: RebuildsOptions): Promise<readonly string[]> {
  const { url, data, quietMs, projections, seed, tell } = options;
  const random = seeded(seed);
  const next = (below: number) => Math.floor(random() * below);
  const wrong: string[] = [];
  const watchers = await startWatchers({ url, data });
  const lanes = await startLanes({ url, data, lanes: options.lanes, next });
  const window = (name: string) => {
    const { commands, queries, refused, cut, firstCut, wrong: broken } = lanes.take();
    const watched = watchers.take();
    wrong.push(...[...broken, ...watched.wrong].map((text) => `${name}: ${text}`));
    if (cut > 0) wrong.push(`${name}: ${cut} requests got no answer, the first because of ${firstCut}`);
    const reads = [...queries, ...watched.latencies];
    tell(`${name}: commands ${times(commands)}, queries ${times(reads)}, ${refused + watched.refused} asked to wait`);
  };
  try {
    // The first queries of each kind compile, connect and fill caches.
    await lanes.round();
    await delay(quietMs);
    lanes.take();
    watchers.take();
    await delay(quietMs);
    window("before");
    for (const projection of projections) {
      const { code, output } = await rebuild(projection, options);
      await lanes.round();
      window(`while ${projection} is rebuilt`);
      if (code === 0) tell(`  ${at(output, "detail")}`);
      else wrong.push(`rebuild ${projection} ended with ${code}: ${JSON.stringify(output)}`);
    }
  } finally {
    await watchers.stop();
    await lanes.end();
    window("at the end");
  }
  return wrong;
}

/** The projections that are on servers, by the settings of the services. */
export function onServers(environment: Readonly<Record<string, string>>): readonly string[] {
  const settings = [
    ["models", "READ_MODEL"],
    ["graph", "GRAPH"],
    ["session", "SESSIONS"],
  ] as const;
  return settings.filter(([, setting]) => environment[setting] !== undefined).map(([projection]) => projection);
}

const WALLETS = 50;
const SHOPS = 20;
const BULK_MAX = 1000;

/** Makes about so many events, most of them payments. */
export async function fillHistory(operator: Client, events: number): Promise<void> {
  const open = async (type: string, n: number) => {
    const reply = await operator.post("/v1/accounts", { type, currency: "HKD", owner: `${type}-${n}` });
    if (reply.status !== 201) throw new Error(`an account could not be opened: ${reply.text}`);
    return textAt(reply.body, "id");
  };
  const wallets: string[] = [];
  for (let n = 0; n < WALLETS; n++) wallets.push(await open("wallet", n));
  const shops: string[] = [];
  for (let n = 0; n < SHOPS; n++) shops.push(await open("merchant", n));
  for (const account of wallets)
    await operator.post("/v1/top-ups", { account, amount: "1000000000", currency: "HKD", rail: "fps" });
  for (let made = 0; made < events; made += BULK_MAX) {
    const items = Array.from({ length: Math.min(BULK_MAX, events - made) }, (_, n) => ({
      ...{ idempotencyKey: `fill-${made + n}`, command: "payment", amount: "1", currency: "HKD" },
      ...{ payer: wallets[(made + n) % WALLETS], payee: shops[(7 * (made + n)) % SHOPS] },
    }));
    const reply = await operator.post("/v1/bulk", { mode: "each", items });
    if (reply.status !== 200) throw new Error(`a bulk was refused: ${reply.status} ${reply.text.slice(0, 300)}`);
  }
}

async function rebuild(projection: string, { data, environment }: RebuildsOptions) {
  const entry = resolve(import.meta.dirname, "../../../cli/bin/ledger.js");
  const folder = Object.keys(environment).length === 0 ? ["--data", data] : [];
  const child = spawn(process.execPath, [entry, "rebuild", projection, "--json", ...folder], {
    cwd: tmpdir(),
    env: { PATH: process.env.PATH, HOME: process.env.HOME, LEDGER_DATA: data, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, error] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  const output: unknown = out === "" ? error : JSON.parse(out);
  return { code: child.exitCode, output };
}

function times(latencies: readonly number[]): string {
  const sorted = latencies.toSorted((one, other) => one - other);
  const part = (share: number) => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(1);
  return `${sorted.length} (p50 ${part(0.5)}, p99 ${part(0.99)} ms)`;
}

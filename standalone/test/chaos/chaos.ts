import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type StartedEngines, startEngines } from "../engines/start.ts";
import { type VerifiedStores, verifyStores } from "../engines/verify-stores.ts";
import { viewLines } from "../engines/view.ts";
import { at } from "../json.ts";
import { seeded } from "../random.ts";
import { type ChaosFault, chaosFaults, mountDisk } from "./faults.ts";
import { type Lanes, startLanes } from "./lanes.ts";
import type { LaneResults } from "./rounds.ts";

export type ChaosOptions = {
  readonly seed: number;
  /** Plays only faults whose names match. Default: all. */
  readonly only?: RegExp;
  /** Whether to play another fault, after so many and so long. */
  readonly goOn: (played: number, elapsedMs: number) => boolean;
  readonly tell: (text: string) => void;
};

/** One fault, or two at once, and what clients saw until every one of them was served again. */
export type PlayedFault = Omit<LaneResults, "wrong"> & {
  readonly name: string;
  readonly lastedMs: number;
  /** From its mending until every client had made a command and read it back. */
  readonly recoveredMs: number;
};

export type ChaosReport = {
  readonly engines: readonly string[];
  readonly faults: readonly PlayedFault[];
  /** Broken promises. */
  readonly wrong: readonly string[];
  /** Exit code and report of `ledger verify --stores`, and how long it took after the last fault was mended. */
  readonly verified: VerifiedStores & { readonly tookMs: number };
};

const LANES = 4;
const LASTS_MS = { least: 100, most: 3000 };
const RECOVERED_MS = 180_000;
const OUTPUT_SHOWN = 3000;

/**
 * Runs every service and engine as processes under a steady load, disturbs one or two at a time, and checks each
 * promise that a client can see; at the end all stores must equal the log.
 * @throws if a service does not recover from a fault
 */
export async function playChaos({ seed, only = /./, goOn, tell }: ChaosOptions): Promise<ChaosReport> {
  const random = seeded(seed);
  const next = (below: number) => Math.floor(random() * below);
  const folder = mkdtempSync(join(tmpdir(), "payledger-chaos-"));
  const [data, logData] = [join(folder, "services"), join(folder, "log")];
  for (const part of [data, logData]) mkdirSync(part);
  const disk = mountDisk(data);
  const played: PlayedFault[] = [];
  const wrong: string[] = [];
  let started: StartedEngines | undefined;
  try {
    started = await startEngines({ data, logData, port: 0, tell });
    const lanes = await startLanes({ url: started.url, data, lanes: LANES, next });
    const draw = drawer(
      chaosFaults(started, disk).filter(({ target, kind }) => only.test(`${target} ${kind}`)),
      next,
    );
    await lanes.round();
    const fromMs = performance.now();
    while (goOn(played.length, performance.now() - fromMs) && wrong.length === 0) {
      lanes.take();
      const result = await playFault(draw(), LASTS_MS.least + next(LASTS_MS.most), lanes, started);
      const { wrong: broken, ...seen } = lanes.take();
      const ended = started.processes.flatMap(({ name, ended }) => (ended() ? [`${name} ended ${ended()}`] : []));
      wrong.push(...[...broken, ...ended].map((text) => `${result.name}: ${text}`));
      played.push({ ...result, ...seen });
      tell(describeFault({ ...result, ...seen }));
    }
    const mendedMs = performance.now();
    tell("the load ends; comparing entries with what was paid");
    await lanes.end();
    wrong.push(...lanes.take().wrong);
    tell("comparing all stores with the log");
    const verified = await verifyStores(data, started.environment);
    return {
      engines: started.engines,
      faults: played,
      wrong,
      verified: { ...verified, tookMs: performance.now() - mendedMs },
    };
  } finally {
    tell("stopping the services and the engines");
    disk?.free();
    await started?.stop();
    disk?.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Draws every fault once before any is drawn again; at times two of different targets. */
function drawer(faults: readonly ChaosFault[], next: (below: number) => number): () => readonly ChaosFault[] {
  let left: ChaosFault[] = [];
  const take = (): ChaosFault => {
    if (left.length === 0) left = [...faults];
    const [drawn] = left.splice(next(left.length), 1);
    if (!drawn) throw new Error("there is nothing to disturb");
    return drawn;
  };
  return () => {
    const first = take();
    const second = next(4) === 0 ? take() : undefined;
    return second && second.target !== first.target ? [first, second] : [first];
  };
}

async function playFault(
  faults: readonly ChaosFault[],
  lastsMs: number,
  lanes: Lanes,
  { processes }: StartedEngines,
): Promise<Pick<PlayedFault, "name" | "lastedMs" | "recoveredMs">> {
  const name = faults.map(({ target, kind }) => `${target} ${kind}`).join(", ");
  const fromMs = performance.now();
  for (const fault of faults) await fault.begin();
  await delay(lastsMs);
  for (const fault of faults) await fault.end();
  const mendedMs = performance.now();
  const late = new AbortController();
  const tooLate = delay(RECOVERED_MS, undefined, { signal: late.signal }).then(async () => {
    const view = await viewLines(processes);
    const outputs = processes.map(({ name, output }) => `${name}:\n${output().slice(-OUTPUT_SHOWN)}`);
    const text = `${name}: not every client was served again within ${RECOVERED_MS} ms`;
    throw new Error([text, ...view, ...outputs].join("\n"));
  });
  await Promise.race([lanes.round(), tooLate]);
  tooLate.catch(() => undefined);
  late.abort();
  return { name, lastedMs: mendedMs - fromMs, recoveredMs: performance.now() - mendedMs };
}

function describeFault({ name, lastedMs, recoveredMs, commands, queries, refused, cut, ...seen }: PlayedFault): string {
  const outage = `lasted ${Math.round(lastedMs)} ms, served again after ${Math.round(recoveredMs)} ms`;
  const latencies = `commands ${times(commands)}, queries ${times(queries)}`;
  const sessions = Object.entries(seen.sessions).map(([by, count]) => `${count} by ${by}`);
  const answered = `sessions ${sessions.join(", ") || "none"}, recommendations ${seen.recommendations}`;
  return `${name}: ${outage}; ${latencies}; ${answered}; ${refused} refused, ${cut} cut`;
}

function times(latencies: readonly number[]): string {
  const sorted = latencies.toSorted((one, other) => one - other);
  const part = (share: number) => Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0);
  return `${sorted.length} (p50 ${part(0.5)}, p99 ${part(0.99)}, most ${part(1)} ms)`;
}

/** The broken promises of a report. */
export function faultsOfReport({ wrong, verified }: ChaosReport): readonly string[] {
  const unverified = verified.code === 0 ? [] : [`verify --stores ended with ${verified.code}: ${verified.report}`];
  return [...wrong, ...unverified];
}

export function describeVerified({ verified: { report, tookMs } }: ChaosReport): string {
  const parsed: unknown = JSON.parse(report);
  return `all stores equal the log after ${Math.round(tookMs)} ms: ${JSON.stringify(at(parsed, "positions"))}`;
}

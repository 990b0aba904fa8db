import { setTimeout } from "node:timers/promises";
import { checkAnswers } from "../checks.ts";
import { runLoad } from "../children.ts";
import { type LagSample, type Lags, lagsAt, mostThroughout } from "../lag.ts";
import type { LoadPlan, LoadResult } from "../load/plan.ts";
import type { Scale } from "../scale.ts";
import { highestHeld } from "../search.ts";
import type { WholePositions } from "../servers/whole.ts";
import { ask, caughtUp, cpuSecondsOf, type Whole } from "./following.ts";

const SAMPLE_MS = 100;

/** A load on the whole ledger, the lags of the projections during it and at its end, and the time to catch up. */
export type Watched = {
  readonly load: LoadResult;
  readonly lagMost: number;
  readonly lags: Lags;
  readonly catchUpSeconds: number;
};

/** An unpaced run, and the highest rate that was held. */
export type PacedRuns = {
  readonly unpaced: Watched;
  /** CPU seconds of the unpaced run, until every projection had caught up. */
  readonly cpu: number;
  /** The highest held rate; 0 if none was. */
  readonly best: number;
  readonly held: Watched | undefined;
  readonly loads: readonly LoadResult[];
};

/** Finds the highest rate at which no projection ever lags more than `lagMax` seconds. */
export async function findHeldRate(
  whole: Whole,
  planOf: (rate: number | null) => LoadPlan,
  { steadyProbes, lagMax }: Pick<Scale, "steadyProbes"> & { readonly lagMax: number },
): Promise<PacedRuns> {
  const startCpu = await cpuSecondsOf(whole);
  const unpaced = await watch(whole, planOf(null));
  const cpu = (await cpuSecondsOf(whole)) - startCpu;
  // Payments over the total time until caught up: close to the rate to find.
  const guess = unpaced.load.acknowledged / (unpaced.load.seconds + unpaced.catchUpSeconds);
  const runs = new Map<number, Watched>();
  // A load paced at the unpaced rate would fall behind through the machine's noise alone.
  const most = 0.95 * unpaced.load.perSecond;
  const best = await highestHeld({ guess, most, probes: steadyProbes }, async (rate) => {
    const watched = await watch(whole, planOf(rate));
    runs.set(rate, watched);
    process.stderr.write(`  ${Math.round(rate)}/s: ${describe(watched)}\n`);
    return watched.load.perSecond >= 0.98 * rate && watched.lagMost <= lagMax;
  });
  const loads = [unpaced, ...runs.values()].map(({ load }) => load);
  return { unpaced, cpu, best, held: runs.get(best), loads };
}

async function watch(whole: Whole, plan: LoadPlan): Promise<Watched> {
  const samples: LagSample[] = [];
  const sample = async () => {
    const positions = await ask<WholePositions>(whole, { ask: "positions" });
    samples.push({ ...positions, atSeconds: performance.now() / 1000 });
  };
  let over = false;
  const loading = runLoad(plan).finally(() => {
    over = true;
  });
  while (!over) {
    await sample();
    await Promise.race([setTimeout(SAMPLE_MS), loading.catch(() => {})]);
  }
  const load = await loading;
  await sample();
  const endMs = performance.now();
  checkAnswers("the whole", [load]);
  const followed = await caughtUp(whole, endMs);
  const catchUpSeconds = Math.max(...followed.values());
  return { load, lagMost: mostThroughout(samples), lags: lagsAt(samples), catchUpSeconds };
}

export function describe({ load, lagMost, lags, catchUpSeconds }: Watched): string {
  const each = Object.entries(lags).map(([name, seconds]) => `${name} ${seconds.toFixed(2)} s`);
  const latency = `p99 ${load.latency.p99Ms.toFixed(1)} ms`;
  const behind = `behind at most ${lagMost.toFixed(2)} s; at the end: ${each.join(", ")}`;
  return `${latency}; ${behind}; caught up ${catchUpSeconds.toFixed(1)} s later`;
}

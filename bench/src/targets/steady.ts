import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { checkAnswers } from "../checks.ts";
import { runLoad, startChild } from "../children.ts";
import { type Figure, figure } from "../figure.ts";
import { type LagSample, type Lags, lagsAt, mostOf } from "../lag.ts";
import type { LoadResult } from "../load/plan.ts";
import type { Scale } from "../scale.ts";
import { highestHeld } from "../search.ts";
import type { LedgerServerReady } from "../servers/ledger.ts";
import type { WholePositions } from "../servers/whole.ts";
import { ask, caughtUp, checkWhole, cpuSecondsOf, startWhole, type Whole } from "./following.ts";
import { type LoadTarget, singlePlan } from "./singles.ts";

const LAG_MAX_SECONDS = 1;
const SAMPLE_MS = 200;

/**
 * One payment per request on the whole (P1w): the highest rate at which every projection ends at most a second behind,
 * beside Fastify with nothing behind it and the write side alone; and what an unpaced run leaves to catch up.
 */
export async function measureSteady(folder: string, scale: Scale): Promise<Figure[]> {
  const floor = await measureFloor(scale);
  const alone = await measureAlone(join(folder, "alone"), scale);
  const own = join(folder, "steady");
  const whole = await startWhole(own);
  const { accounts } = await ask<{ accounts: string[] }>(whole, { ask: "accounts", count: scale.accounts });
  const target = { ...whole.ready, accounts };
  await caughtUp(whole, performance.now());

  const loads: LoadResult[] = [];
  const run = async (rate: number | null): Promise<Watched> => {
    const watched = await watch(whole, target, { seconds: scale.steadySeconds, rate });
    loads.push(watched.load);
    return watched;
  };
  const startCpu = await cpuSecondsOf(whole);
  const unpaced = await run(null);
  const cpu = (await cpuSecondsOf(whole)) - startCpu;
  // Payments over the whole time until caught up: close to the rate that is sought.
  const guess = unpaced.load.acknowledged / (unpaced.load.seconds + unpaced.catchUpSeconds);
  const runs = new Map<number, Watched>();
  // At the unpaced rate itself a paced load would fall behind by the machine's noise alone.
  const most = 0.95 * unpaced.load.perSecond;
  const best = await highestHeld({ guess, most, probes: scale.steadyProbes }, async (rate) => {
    const watched = await run(rate);
    runs.set(rate, watched);
    process.stderr.write(`  ${Math.round(rate)}/s: ${describe(watched)}\n`);
    return watched.load.perSecond >= 0.98 * rate && mostOf(watched.lags) <= LAG_MAX_SECONDS;
  });
  await whole.stop();
  const checked = await checkWhole(own, loads);
  const held = runs.get(best);
  return [
    figure("P1w", "one payment per request on the whole, every projection at most 1 s behind at the end", {
      ...{ value: best, unit: "payments/s", atLeast: 0.75 * alone },
      note: `${held ? describe(held) : "no rate that was tried"}; ${checked}`,
      beside: [
        { name: "the write side alone", value: alone },
        { name: "floor: Fastify with nothing behind it", value: floor },
      ],
    }),
    figure("P1w", `unpaced for ${scale.steadySeconds} s: payments answered`, {
      ...{ value: unpaced.load.perSecond, unit: "payments/s", note: describe(unpaced) },
    }),
    figure("P1w", "then, until every projection has caught up", { value: unpaced.catchUpSeconds, unit: "s" }),
    figure("P11", "CPU of the whole, one payment per request, until every projection has caught up", {
      ...{ value: (cpu / unpaced.load.acknowledged) * 1e6, unit: "s per million payments" },
    }),
  ];
}

/** A load, how far behind each projection was when it ended, and how long they then took. */
type Watched = { readonly load: LoadResult; readonly lags: Lags; readonly catchUpSeconds: number };

async function watch(
  whole: Whole,
  target: LoadTarget,
  { seconds, rate }: { readonly seconds: number; readonly rate: number | null },
): Promise<Watched> {
  const samples: LagSample[] = [];
  const sample = async () => {
    const positions = await ask<WholePositions>(whole, { ask: "positions" });
    samples.push({ ...positions, atSeconds: performance.now() / 1000 });
  };
  let over = false;
  const loading = runLoad(singlePlan(target, seconds, { rate })).finally(() => {
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
  return { load, lags: lagsAt(samples), catchUpSeconds: Math.max(...followed.values()) };
}

function describe({ load, lags, catchUpSeconds }: Watched): string {
  const each = Object.entries(lags).map(([name, seconds]) => `${name} ${seconds.toFixed(2)} s`);
  const latency = `p99 ${load.latency.p99Ms.toFixed(1)} ms`;
  return `${latency}; behind at the end: ${each.join(", ")}; caught up ${catchUpSeconds.toFixed(1)} s later`;
}

async function measureFloor(scale: Scale): Promise<number> {
  const floor = await startChild<Pick<LoadTarget, "port">>("servers/floor.ts", {});
  const target = { ...floor.ready, token: "none", accounts: Array.from({ length: 100 }, (_, n) => `acct_${n}`) };
  await runLoad(singlePlan(target, Math.min(3, scale.seconds / 3)));
  const load = await runLoad(singlePlan(target, scale.seconds));
  await floor.stop();
  return load.perSecond;
}

async function measureAlone(folder: string, scale: Scale): Promise<number> {
  const ledger = await startChild<LedgerServerReady>("servers/ledger.ts", { folder });
  const { accounts } = await ledger.ask<{ accounts: string[] }>({ ask: "accounts", count: scale.accounts });
  const target = { ...ledger.ready, accounts };
  await runLoad(singlePlan(target, Math.min(3, scale.seconds / 3)));
  const load = await runLoad(singlePlan(target, scale.seconds));
  await ledger.stop();
  checkAnswers("the write side", [load]);
  return load.perSecond;
}

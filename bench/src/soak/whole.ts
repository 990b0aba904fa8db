import { join } from "node:path";
import { setInterval } from "node:timers/promises";
import { BenchFault } from "../checks.ts";
import { runLoad } from "../children.ts";
import { type LagSample, lagsAt, mostOf } from "../lag.ts";
import type { Soak } from "../options.ts";
import { keep, shorten } from "../report.ts";
import type { Scale } from "../scale.ts";
import type { WholePositions } from "../servers/whole.ts";
import { ask, caughtUp, checkWhole, startWhole, type Whole } from "../targets/following.ts";
import { findHeldRate } from "../targets/paced.ts";
import { singlePlan } from "../targets/singles.ts";
import type { Windows } from "./flatness.ts";
import { headOf, judge, lineOf, MIB, type Series } from "./series.ts";
import { filesIn, type Sizes, sizesOf } from "./sizes.ts";
import { SHARE_OF_BEST, timed, WINDOW_SECONDS, windowMeter } from "./window.ts";

type Name = keyof Sizes | (typeof timed)[number]["name"] | "lagSeconds" | "lakeBehind";
const series: readonly Series<Name>[] = [
  ...timed,
  { name: "lagSeconds", title: "lag s", judged: "the most that any projection was behind, s" },
  { name: "lakeBehind", title: "lake ev", judged: "events that the lake was behind" },
  { name: "logBytes", title: "log MiB", unit: MIB, judged: "log, bytes", grows: true },
  { name: "modelsBytes", title: "models MiB", unit: MIB, judged: "read side, bytes", grows: true },
  { name: "lakeBytes", title: "lake MiB", unit: MIB, judged: "lake, bytes", grows: true },
  { name: "stateBytes", title: "state MiB", unit: MIB, judged: "decision state, bytes" },
  { name: "walBytes", title: "wal MiB", unit: MIB, judged: "write-ahead logs, bytes" },
];
const LAG_MS = 100;
/** Samples of the lag that are kept: a projection further behind is counted as so far behind. */
const LAG_SAMPLES = 600;
/** As P1w allows. */
const LAG_MAX_SECONDS = 0.5;

/** Runs the whole of `npm start` at a steady rate for a long time, and samples which values grow. */
export async function soakWhole(folder: string, scale: Scale, soak: Soak, began: Date): Promise<void> {
  const data = join(folder, "soak");
  const whole = await startWhole(data, undefined, true);
  const { accounts } = await ask<{ accounts: string[] }>(whole, { ask: "accounts", count: scale.accounts });
  const target = { ...whole.ready, accounts };
  const best = soak.rate === null ? await findBest(whole, target, scale) : undefined;
  if (best?.best === 0) throw new BenchFault("no rate that was tried kept up: give --rate, or quieten the machine");
  const rate = soak.rate ?? Math.round((best?.best ?? 0) * SHARE_OF_BEST);
  const seconds = soak.minutes * 60;
  say(`${best ? `P1w just before: ${shorten(best.best)} payments/s; now ` : ""}${shorten(rate)} payments/s`);

  const samples: Windows<Name>[number][] = [];
  const [meter, lag] = [await windowMeter(whole), watchLag(whole)];
  say(headOf(series));
  const plan = { ...singlePlan(target, seconds), payments: rate * seconds, rate, windowSeconds: WINDOW_SECONDS };
  const load = await runLoad(plan, async (window) => {
    const { events } = await ask<{ events: number | null }>(whole, { ask: "behind" });
    const lags = { lagSeconds: lag.take(), lakeBehind: events ?? Number.NaN };
    const sample = { ...(await meter(window)), ...lags, ...sizesOf(filesIn(data)) };
    samples.push(sample);
    say(lineOf(series, sample));
  });
  await lag.stop();
  await caughtUp(whole, performance.now());
  await whole.stop();
  const checked = await checkWhole(data, [...(best?.loads ?? []), load]);
  const { verdicts, table } = judge(series, samples);
  say(`\n${table}\n${checked}`);
  const found = { p1w: best?.best ?? null, rate, minutes: soak.minutes, load, checked, verdicts, samples };
  say(`kept in ${keep("soak-whole", began, found)}`);
}

type Target = Parameters<typeof singlePlan>[0];

function findBest(whole: Whole, target: Target, { steadyProbes, steadySeconds }: Scale) {
  const planOf = (rate: number | null) => singlePlan(target, steadySeconds, { rate });
  return findHeldRate(whole, planOf, { steadyProbes, lagMax: LAG_MAX_SECONDS });
}

/** Follows how far the projections are behind; `take` gives the most since the last time, in seconds. */
function watchLag(whole: Whole): { take(): number; stop(): Promise<void> } {
  const end = new AbortController();
  const samples: LagSample[] = [];
  let most = 0;
  async function follow(): Promise<void> {
    for await (const _ of setInterval(LAG_MS, undefined, { signal: end.signal })) {
      const positions = await ask<WholePositions>(whole, { ask: "positions" });
      samples.push({ ...positions, atSeconds: performance.now() / 1000 });
      if (samples.length > LAG_SAMPLES) samples.shift();
      most = Math.max(most, mostOf(lagsAt(samples)));
    }
  }
  const following = follow().catch((error: unknown) => {
    if (!end.signal.aborted) throw error;
  });
  return {
    take() {
      const taken = most;
      most = 0;
      return taken;
    },
    async stop() {
      end.abort();
      await following;
    },
  };
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

import { join } from "node:path";
import { checkBooks } from "./checks.ts";
import { runLoad, startChild } from "./children.ts";
import { type Flatness, flatness, type Sample, type SeriesName, seriesNames, sizesOf } from "./flatness.ts";
import type { LoadWindow } from "./load/plan.ts";
import type { Soak } from "./options.ts";
import { columns, keep, shorten } from "./report.ts";
import type { Scale } from "./scale.ts";
import type { LedgerCheck, LedgerServerReady } from "./servers/ledger.ts";
import type { Stalls } from "./servers/stalls.ts";
import { machineTime, shareStolen } from "./stolen-time.ts";
import { singlePlan } from "./targets/singles.ts";

const WINDOW_SECONDS = 10;
const SHARE_OF_P1 = 0.6;
const MIB = 2 ** 20;

/** Runs the command-service at a steady rate for a long time, and samples which values grow. */
export async function runSoak(folder: string, scale: Scale, soak: Soak, began: Date): Promise<void> {
  const ledger = await startChild<LedgerServerReady>("servers/ledger.ts", { folder: join(folder, "soak") });
  const { accounts } = await ledger.ask<{ accounts: string[] }>({ ask: "accounts", count: scale.accounts });
  const target = { ...ledger.ready, accounts };
  const warmup = await runLoad(singlePlan(target, Math.min(3, scale.seconds)));
  const p1 = await runLoad(singlePlan(target, scale.seconds));
  const rate = soak.rate ?? Math.round(p1.perSecond * SHARE_OF_P1);
  const seconds = soak.minutes * 60;
  say(
    `P1 just before: ${shorten(p1.perSecond)} payments/s; now ${shorten(rate)} payments/s for ${soak.minutes} minutes`,
  );

  const samples: Sample[] = [];
  let { cpuSeconds } = await ledger.ask<ServerMeter>({ ask: "memory" });
  await ledger.ask<Stalls>({ ask: "stalls" });
  let time = machineTime();
  say(line(header));
  const plan = { ...singlePlan(target, seconds), payments: rate * seconds, rate, windowSeconds: WINDOW_SECONDS };
  const load = await runLoad(plan, async (window) => {
    const meter = await ledger.ask<ServerMeter>({ ask: "memory" });
    const cpuUs = ((meter.cpuSeconds - cpuSeconds) * 1e6) / Math.max(1, window.perSecond * WINDOW_SECONDS);
    cpuSeconds = meter.cpuSeconds;
    const now = machineTime();
    const stolen = shareStolen(time, now);
    time = now;
    const sizes = sizesOf(await ledger.ask<Record<string, number>>({ ask: "sizes" }));
    const stalls = await ledger.ask<Stalls>({ ask: "stalls" });
    const sample = sampleOf(window, { cpuUs, stolen, rssBytes: meter.rssBytes, ...sizes, ...stalls });
    samples.push(sample);
    say(line(cellsOf(sample)));
  });
  const check = await ledger.ask<LedgerCheck>({ ask: "check" });
  const checked = checkBooks("the ledger", check, [warmup, p1, load]);
  await ledger.stop();
  const verdicts = seriesNames.map((name) => flatness(name, samples));
  say(`\n${verdictTable(verdicts)}\n${checked}`);
  const found = { p1: p1.perSecond, rate, minutes: soak.minutes, load, checked, verdicts, samples };
  say(`kept in ${keep("soak", began, found)}`);
}

type ServerMeter = { readonly rssBytes: number; readonly cpuSeconds: number };

function sampleOf(window: LoadWindow, server: Omit<Sample, "atSeconds" | "perSecond" | "p50Ms" | "p99Ms">): Sample {
  const { p50Ms, p99Ms } = window.latency;
  return { atSeconds: window.atSeconds, perSecond: window.perSecond, p50Ms, p99Ms, ...server };
}

const header = [
  "s",
  "payments/s",
  "p50 ms",
  "p99 ms",
  "cpu us",
  "stolen %",
  "loop ms",
  "gc ms",
  "append ms",
  "read MiB",
  "rss MiB",
  "log MiB",
  "state MiB",
  "wal MiB",
];

function cellsOf(sample: Sample): string[] {
  const { atSeconds, perSecond, p50Ms, p99Ms, cpuUs, stolen } = sample;
  const { loopMs, gcMs, appendMs, diskReadBytes, rssBytes, logBytes, stateBytes, walBytes } = sample;
  const bytes = [diskReadBytes, rssBytes, logBytes, stateBytes, walBytes].map((size) => size / MIB);
  const figures = [perSecond, p50Ms, p99Ms, cpuUs, 100 * stolen, loopMs, gcMs, appendMs, ...bytes];
  return [String(Math.round(atSeconds)), ...figures.map(shorten)];
}

function line(cells: readonly string[]): string {
  return cells.map((cell) => cell.padStart(10)).join(" ");
}

function verdictTable(verdicts: readonly Flatness[]): string {
  const words: Record<SeriesName, string> = {
    perSecond: "payments/s",
    p50Ms: "p50, ms",
    p99Ms: "p99, ms",
    cpuUs: "CPU a payment, us",
    rssBytes: "memory, bytes",
    logBytes: "log, bytes",
    stateBytes: "decision state, bytes",
    walBytes: "write-ahead logs, bytes",
  };
  const rows = verdicts.map(({ name, mean, drift, verdict }) => {
    const change = `${drift >= 0 ? "+" : ""}${(100 * drift).toFixed(1)} %`;
    return [words[name], shorten(mean), change, name === "logBytes" ? `${verdict}, as it must` : verdict];
  });
  return columns(["series", "mean of the second half", "change over it", ""], rows);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

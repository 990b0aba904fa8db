import { join } from "node:path";
import { checkBooks } from "../checks.ts";
import { runLoad, startChild } from "../children.ts";
import type { Soak } from "../options.ts";
import { keep, shorten } from "../report.ts";
import type { Scale } from "../scale.ts";
import type { LedgerCheck, LedgerServerReady } from "../servers/ledger.ts";
import type { Stalls } from "../servers/stalls.ts";
import { singlePlan } from "../targets/singles.ts";
import type { Windows } from "./flatness.ts";
import { headOf, judge, lineOf, MIB, type Series } from "./series.ts";
import { filesIn, type Sizes, sizesOf } from "./sizes.ts";
import { SHARE_OF_BEST, timed, WINDOW_SECONDS, windowMeter } from "./window.ts";

type Name = keyof Stalls | keyof Omit<Sizes, "modelsBytes" | "lakeBytes"> | (typeof timed)[number]["name"];
const series: readonly Series<Name>[] = [
  ...timed,
  { name: "loopMs", title: "loop ms" },
  { name: "gcMs", title: "gc ms" },
  { name: "appendMs", title: "append ms" },
  { name: "diskReadBytes", title: "read MiB", unit: MIB },
  { name: "logBytes", title: "log MiB", unit: MIB, judged: "log, bytes", grows: true },
  { name: "stateBytes", title: "state MiB", unit: MIB, judged: "decision state, bytes" },
  { name: "walBytes", title: "wal MiB", unit: MIB, judged: "write-ahead logs, bytes" },
];

/** Runs the command-service at a steady rate for a long time, and samples which values grow. */
export async function soakWriteSide(folder: string, scale: Scale, soak: Soak, began: Date): Promise<void> {
  const data = join(folder, "soak");
  const ledger = await startChild<LedgerServerReady>("servers/ledger.ts", { folder: data });
  const { accounts } = await ledger.ask<{ accounts: string[] }>({ ask: "accounts", count: scale.accounts });
  const target = { ...ledger.ready, accounts };
  const warmup = await runLoad(singlePlan(target, Math.min(3, scale.seconds)));
  const p1 = await runLoad(singlePlan(target, scale.seconds));
  const rate = soak.rate ?? Math.round(p1.perSecond * SHARE_OF_BEST);
  const seconds = soak.minutes * 60;
  say(
    `P1 just before: ${shorten(p1.perSecond)} payments/s; now ${shorten(rate)} payments/s for ${soak.minutes} minutes`,
  );

  const samples: Windows<Name>[number][] = [];
  const meter = await windowMeter(ledger);
  await ledger.ask<Stalls>({ ask: "stalls" });
  say(headOf(series));
  const plan = { ...singlePlan(target, seconds), payments: rate * seconds, rate, windowSeconds: WINDOW_SECONDS };
  const load = await runLoad(plan, async (window) => {
    const stalls = await ledger.ask<Stalls>({ ask: "stalls" });
    const sample = { ...(await meter(window)), ...sizesOf(filesIn(data)), ...stalls };
    samples.push(sample);
    say(lineOf(series, sample));
  });
  const check = await ledger.ask<LedgerCheck>({ ask: "check" });
  const checked = checkBooks("the ledger", check, [warmup, p1, load]);
  await ledger.stop();
  const { verdicts, table } = judge(series, samples);
  say(`\n${table}\n${checked}`);
  const found = { p1: p1.perSecond, rate, minutes: soak.minutes, load, checked, verdicts, samples };
  say(`kept in ${keep("soak", began, found)}`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { checkAnswers, checkBooks } from "../checks.ts";
import { runLoad, startChild } from "../children.ts";
import { type Figure, figure } from "../figure.ts";
import type { Scale } from "../scale.ts";
import type { CommitCosts, Exported, ExportLimit, ExportRunOptions } from "../servers/export.ts";
import type { LedgerCheck, LedgerServerReady } from "../servers/ledger.ts";
import { bulkPlan } from "./bulk-plan.ts";
import { ask, caughtUp, cpuSecondsOf, startWhole } from "./following.ts";
import { singlePlan } from "./singles.ts";

const MIB = 2 ** 20;
const RATE = 5000;

/** P8: a history into Delta tables beside the Parquet library alone, commits early and late, and the whole ledger. */
export async function measureExport(folder: string, scale: Scale): Promise<Figure[]> {
  const history = join(folder, "history");
  const payments = scale.kind === "full" ? scale.bulkPayments : scale.behindPayments;
  const events = await writeHistory(history, scale.accounts, payments);
  const options: ExportRunOptions = { log: join(history, "events.sqlite"), folder: join(folder, "lake") };
  const child = await startChild<object>("servers/export.ts", options);
  const exported = await child.ask<Exported>({ ask: "export" });
  const limit = (await child.ask<ExportLimit>({ ask: "limit" })).eventsPerSecond;
  const late = scale.kind === "quick" ? 1000 : 10_000;
  const { ms } = await child.ask<CommitCosts>({ ask: "commits", at: [10, late] });
  await child.stop();
  const rate = exported.events / exported.seconds;
  const cpu = (exported.cpuSeconds / exported.events) * 1e6;
  const [early = Number.NaN, later = Number.NaN] = ms;
  return [
    figure("P8", "export of a history into Delta tables", {
      ...{ value: rate, unit: "events/s", atLeast: Math.min(200_000, 0.8 * limit) },
      beside: [{ name: "the Parquet library alone, the same rows", value: limit }],
      note: `${events} in ${exported.seconds.toFixed(1)} s, ${cpu.toFixed(0)} us of CPU per event`,
    }),
    figure("P8", "its memory", { value: exported.rssMostBytes / MIB, unit: "MiB", atMost: 512 }),
    figure("P8", `commit number ${late.toLocaleString("en")} of a table`, {
      ...{ value: later, unit: "ms", beside: [{ name: "number 10", value: early }] },
    }),
    ...(await besideWhole(folder, scale)),
  ];
}

async function writeHistory(folder: string, accounts: number, payments: number): Promise<string> {
  const ledger = await startChild<LedgerServerReady>("servers/ledger.ts", { folder, shared: true });
  const { accounts: opened } = await ledger.ask<{ accounts: string[] }>({ ask: "accounts", count: accounts });
  const load = await runLoad(bulkPlan({ ...ledger.ready, accounts: opened }, payments));
  const books = await ledger.ask<LedgerCheck>({ ask: "check" });
  await ledger.stop();
  return checkBooks("the ledger", books, [load]);
}

/** CPU of the whole per payment at a steady rate, with the export and without, and how far it is behind. */
async function besideWhole(folder: string, scale: Scale): Promise<Figure[]> {
  const without = await steadyWhole(join(folder, "without"), scale, false);
  const beside = await steadyWhole(join(folder, "with"), scale, true);
  const rate = `${Math.round(beside.perSecond).toLocaleString("en")} payments/s`;
  return [
    figure("P8", `what the export takes of the whole at ${RATE} payments/s: its CPU`, {
      ...{ value: (beside.cpu / without.cpu - 1) * 100, unit: "%", atMost: 10 },
      beside: [{ name: "s per million payments without it", value: without.cpu }],
      note: `${rate}, ${Math.round(without.perSecond).toLocaleString("en")} without it`,
    }),
    figure("P8", "how far the export is behind meanwhile: p95", {
      ...{ value: beside.p95Seconds, unit: "s", atMost: 10, note: rate },
    }),
  ];
}

type Steady = { readonly cpu: number; readonly perSecond: number; readonly p95Seconds: number };

async function steadyWhole(folder: string, scale: Scale, exports: boolean): Promise<Steady> {
  const whole = await startWhole(folder, undefined, exports);
  const { accounts } = await ask<{ accounts: string[] }>(whole, { ask: "accounts", count: scale.accounts });
  const target = { ...whole.ready, accounts };
  await caughtUp(whole, performance.now());
  // The first commits are past.
  await runLoad(singlePlan(target, 6, { rate: RATE }));
  const startCpu = await cpuSecondsOf(whole);
  const behind: number[] = [];
  let loading = true;
  const watch = async () => {
    for (; loading && exports; await setTimeout(250)) {
      const { events } = await ask<{ events: number | null }>(whole, { ask: "behind" });
      if (events !== null) behind.push(events / RATE);
    }
  };
  const watched = watch();
  const load = await runLoad(singlePlan(target, Math.max(10, scale.steadySeconds), { rate: RATE }));
  loading = false;
  await watched;
  checkAnswers("the whole", [load]);
  const cpu = (((await cpuSecondsOf(whole)) - startCpu) / load.acknowledged) * 1e6;
  await whole.stop();
  const sorted = behind.sort((a, b) => a - b);
  return { cpu, perSecond: load.perSecond, p95Seconds: sorted[Math.floor(sorted.length * 0.95)] ?? Number.NaN };
}

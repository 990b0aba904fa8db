import { join } from "node:path";
import { checkAnswers } from "../checks.ts";
import { runLoad, runScript } from "../children.ts";
import { type Figure, figure } from "../figure.ts";
import type { VisiblePlan, VisibleResult } from "../load/visible.ts";
import type { Scale } from "../scale.ts";
import { bulkPlan } from "./bulk.ts";
import { ask, caughtUp, checkWhole, cpuSecondsOf, startWhole } from "./following.ts";
import { singlePlan } from "./singles.ts";
import { measureSteady } from "./steady.ts";

const ACCOUNTS = 2000;
const RATE = 5000;

/** The whole ledger as `npm start` runs it: P4 and P11 with bulks, then P1w. */
export async function measureWhole(folder: string, scale: Scale): Promise<Figure[]> {
  return [...(await measureVisible(join(folder, "whole"), scale)), ...(await measureSteady(folder, scale))];
}

/** How fast projections follow a flood of bulks, and when a query at its position shows a payment. */
async function measureVisible(folder: string, scale: Scale): Promise<Figure[]> {
  const whole = await startWhole(folder);
  const { accounts } = await ask<{ accounts: string[] }>(whole, { ask: "accounts", count: ACCOUNTS });
  const target = { ...whole.ready, accounts };
  await caughtUp(whole, performance.now());

  const startMs = performance.now();
  const startCpu = await cpuSecondsOf(whole);
  // Projections work from the first bulk on; they are watched once the log has the last.
  const behind = await runLoad(bulkPlan(target, scale.behindPayments));
  checkAnswers("the whole", [behind]);
  const followed = await caughtUp(whole, startMs);
  const cpu = (await cpuSecondsOf(whole)) - startCpu;

  const paced = { ...singlePlan(target, scale.seconds), rate: RATE };
  const plan: VisiblePlan = { ...paced, every: 25, readers: 16 };
  const { load, visible } = await runScript<VisibleResult>("load/visible.ts", plan);
  await caughtUp(whole, performance.now());
  await whole.stop();
  const checked = await checkWhole(folder, [behind, load]);
  const keepUp = [...followed].map(([name, seconds]) =>
    figure("P4", `projection ${name} keeps up, all three in one thread`, {
      ...{ value: behind.acknowledged / seconds, unit: "payments/s", atLeast: 20_000 },
      note: `${behind.acknowledged.toLocaleString("en")} payments written in ${behind.seconds.toFixed(1)} s meanwhile`,
    }),
  );
  const kept = load.perSecond >= 0.98 * RATE ? "" : "the rate was NOT reached; ";
  const rate = Math.round(load.perSecond).toLocaleString("en");
  const seen = `${kept}${visible.count.toLocaleString("en")} reads, ${rate} payments/s`;
  return [
    figure("P4", `answered to visible at ${RATE} payments/s, standalone: p99`, {
      ...{ value: visible.p99Ms, unit: "ms", atMost: 100, note: `${seen}; ${checked}` },
      beside: [{ name: "the payment's own p99", value: load.latency.p99Ms }],
    }),
    figure("P4", "the same: p50", {
      ...{ value: visible.p50Ms, unit: "ms", beside: [{ name: "the payment's own p50", value: load.latency.p50Ms }] },
    }),
    ...keepUp,
    figure("P11", "CPU of the whole, bulks of 1,000, until every projection has caught up", {
      ...{ value: (cpu / behind.acknowledged) * 1e6, unit: "s per million payments", atMost: 30 },
    }),
  ];
}

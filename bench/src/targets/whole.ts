import { join } from "node:path";
import { checkAnswers } from "../checks.ts";
import { type Checkout, runLoad, runScript } from "../children.ts";
import { bytesWritten } from "../disk.ts";
import { type Figure, figure, otherBuild } from "../figure.ts";
import type { LoadResult } from "../load/plan.ts";
import type { VisiblePlan, VisibleResult } from "../load/visible.ts";
import type { Scale } from "../scale.ts";
import { filesIn, sizesOf } from "../soak/sizes.ts";
import { bulkPlan } from "./bulk-plan.ts";
import { ask, type CaughtUp, caughtUp, checkWhole, cpuSecondsOf, startWhole } from "./following.ts";
import { singlePlan } from "./singles.ts";
import { measureSteady } from "./steady.ts";

const ACCOUNTS = 2000;
const RATE = 5000;

/** The whole ledger as `npm start` runs it: P4 and P11 with bulks, then P1w and P2w. */
export async function measureWhole(folder: string, scale: Scale, against: Checkout): Promise<Figure[]> {
  const ours = await measureVisible(join(folder, "whole"), scale);
  const other = against === undefined ? undefined : await measureVisible(join(folder, "other"), scale, against);
  return [...visibleFigures(ours, other), ...(await measureSteady(folder, scale, against))];
}

type Visible = {
  /** The flood of bulks, and when each projection had caught up with it. */
  readonly behind: LoadResult;
  readonly followed: CaughtUp;
  readonly cpu: number;
  /** Of the whole process, per payment of the flood; NaN if the system does not report it. */
  readonly writtenBytes: number;
  /** Of all files of the read side, per payment, at the end. */
  readonly restBytes: number;
  readonly paced: VisibleResult;
  readonly checked: string;
};

/** Measures how fast projections follow a flood of bulks, and when a query at its position shows a payment. */
async function measureVisible(folder: string, scale: Scale, build?: Checkout): Promise<Visible> {
  const whole = await startWhole(folder, build);
  const { accounts } = await ask<{ accounts: string[] }>(whole, { ask: "accounts", count: ACCOUNTS });
  const target = { ...whole.ready, accounts };
  await caughtUp(whole, performance.now());

  const startMs = performance.now();
  const startCpu = await cpuSecondsOf(whole);
  const startBytes = bytesWritten(whole.pid);
  // Projections work from the first bulk on; their progress is watched once the log has the last.
  const behind = await runLoad(bulkPlan(target, scale.behindPayments));
  checkAnswers("the whole", [behind]);
  const followed = await caughtUp(whole, startMs);
  const cpu = (await cpuSecondsOf(whole)) - startCpu;
  const writtenBytes = (bytesWritten(whole.pid) - startBytes) / behind.acknowledged;

  const plan: VisiblePlan = { ...singlePlan(target, scale.seconds), rate: RATE, every: 25, readers: 16 };
  const paced = await runScript<VisibleResult>("load/visible.ts", plan);
  await caughtUp(whole, performance.now());
  await whole.stop();
  const checked = await checkWhole(folder, [behind, paced.load], build);
  const restBytes = sizesOf(filesIn(folder)).modelsBytes / (behind.acknowledged + paced.load.acknowledged);
  return { behind, followed, cpu, writtenBytes, restBytes, paced, checked };
}

function visibleFigures(ours: Visible, other: Visible | undefined): Figure[] {
  const { behind, followed, paced, checked } = ours;
  const { load, visible } = paced;
  const keepUp = [...followed].map(([name, seconds]) =>
    figure("P4", `projection ${name} keeps up, all in one thread`, {
      ...{ value: behind.acknowledged / seconds, unit: "payments/s", atLeast: 20_000 },
      note: `${behind.acknowledged.toLocaleString("en")} payments written in ${behind.seconds.toFixed(1)} s meanwhile`,
      beside: otherBuild(other, (one) => one.behind.acknowledged / (one.followed.get(name) ?? Number.NaN)),
    }),
  );
  const kept = load.perSecond >= 0.98 * RATE ? "" : "the rate was NOT reached; ";
  const rate = Math.round(load.perSecond).toLocaleString("en");
  const seen = `${kept}${visible.count.toLocaleString("en")} reads, ${rate} payments/s`;
  const cpuOf = (one: Visible) => (one.cpu / one.behind.acknowledged) * 1e6;
  return [
    figure("P4", `answered to visible at ${RATE} payments/s, standalone: p99`, {
      ...{ value: visible.p99Ms, unit: "ms", atMost: 60, note: `${seen}; ${checked}` },
      beside: [
        { name: "the payment's own p99", value: load.latency.p99Ms },
        ...otherBuild(other, (one) => one.paced.visible.p99Ms),
      ],
    }),
    figure("P4", "the same: p50", {
      ...{ value: visible.p50Ms, unit: "ms" },
      beside: [
        { name: "the payment's own p50", value: load.latency.p50Ms },
        ...otherBuild(other, (one) => one.paced.visible.p50Ms),
      ],
    }),
    ...keepUp,
    figure("P11", "CPU of the whole, bulks of 1,000, until every projection has caught up", {
      ...{ value: cpuOf(ours), unit: "s per million payments", atMost: 30, beside: otherBuild(other, cpuOf) },
    }),
    figure("P4", "bytes written by the whole, log and state included, in the same run", {
      ...{ value: ours.writtenBytes, unit: "bytes per payment", beside: otherBuild(other, (one) => one.writtenBytes) },
    }),
    figure("P4", "read side at rest", {
      ...{ value: ours.restBytes, unit: "bytes per payment", atMost: 350 },
      beside: otherBuild(other, (one) => one.restBytes),
    }),
  ];
}

import { join } from "node:path";
import { checkAnswers } from "../checks.ts";
import { type Checkout, runLoad, startChild } from "../children.ts";
import { type Figure, figure, otherBuild } from "../figure.ts";
import type { LoadPlan } from "../load/plan.ts";
import type { Scale } from "../scale.ts";
import type { LedgerServerReady } from "../servers/ledger.ts";
import { bulkPlan } from "./bulk-plan.ts";
import { ask, caughtUp, checkWhole, startWhole } from "./following.ts";
import { describe, findHeldRate, type PacedRuns } from "./paced.ts";
import { type LoadTarget, singlePlan } from "./singles.ts";

type Checked = PacedRuns & { readonly checked: string };

/**
 * Finds the highest rates at which every projection of the whole ledger keeps up: one payment per request (P1w), beside
 * bare Fastify and the write side alone; bulks of 1,000 (P2w); and the lag that an unpaced run leaves.
 */
export async function measureSteady(folder: string, scale: Scale, against: Checkout): Promise<Figure[]> {
  const floor = await measureFloor(scale);
  const alone = await measureAlone(join(folder, "alone"), scale);
  return [
    ...(await measurePaced(join(folder, "steady"), scale, against, {
      ...{ id: "P1w", what: "one payment per request on the whole", accounts: scale.accounts, lagMax: 0.5 },
      atLeast: 0.75 * alone,
      planOf: (target, seconds, rate) => singlePlan(target, seconds, { rate }),
      beside: [
        { name: "the write side alone", value: alone },
        { name: "floor: Fastify with nothing behind it", value: floor },
      ],
    })),
    ...(await measurePaced(join(folder, "flood"), scale, against, {
      ...{ id: "P2w", what: "bulks of 1,000 on the whole", accounts: scale.floodAccounts, lagMax: 1 },
      atLeast: 60_000,
      planOf: (target, seconds, rate) => ({ ...singlePlan(target, seconds), ...bulk, rate }),
      beside: [],
    })),
  ];
}

const { path, perRequest, connections } = bulkPlan({ port: 0, token: "", accounts: [] }, 0);
const bulk = { path, perRequest, connections };

type Pace = Pick<Figure, "id" | "what" | "beside"> & {
  readonly accounts: number;
  readonly lagMax: number;
  readonly atLeast: number;
  readonly planOf: (target: LoadTarget, seconds: number, rate: number | null) => LoadPlan;
};

async function measurePaced(folder: string, scale: Scale, against: Checkout, pace: Pace): Promise<Figure[]> {
  const ours = await runPaced(`${folder}-ours`, scale, pace);
  const other = against === undefined ? undefined : await runPaced(`${folder}-other`, scale, pace, against);
  const { unpaced, best, held, checked } = ours;
  const { id, what, lagMax, atLeast, beside } = pace;
  return [
    figure(id, `${what}, every projection at most ${lagMax} s behind throughout`, {
      ...{ value: best, unit: "payments/s", atLeast },
      note: `${held ? describe(held) : "no rate that was tried"}; ${checked}`,
      beside: [...beside, ...otherBuild(other, (runs) => runs.best)],
    }),
    figure(id, `unpaced for ${scale.steadySeconds} s: payments answered`, {
      ...{ value: unpaced.load.perSecond, unit: "payments/s", note: describe(unpaced) },
      beside: otherBuild(other, (runs) => runs.unpaced.load.perSecond),
    }),
    figure(id, "then, until every projection has caught up", {
      ...{ value: unpaced.catchUpSeconds, unit: "s", beside: otherBuild(other, (runs) => runs.unpaced.catchUpSeconds) },
    }),
    figure("P11", `CPU of the whole, ${what}, until every projection has caught up`, {
      ...{ value: cpuPerMillion(ours), unit: "s per million payments", beside: otherBuild(other, cpuPerMillion) },
      ...(id === "P2w" && { atMost: 30 }),
    }),
  ];
}

function cpuPerMillion({ cpu, unpaced }: PacedRuns): number {
  return (cpu / unpaced.load.acknowledged) * 1e6;
}

async function runPaced(folder: string, scale: Scale, pace: Pace, build?: Checkout): Promise<Checked> {
  const whole = await startWhole(folder, build);
  const { accounts } = await ask<{ accounts: string[] }>(whole, { ask: "accounts", count: pace.accounts });
  const target = { ...whole.ready, accounts };
  await caughtUp(whole, performance.now());
  const planOf = (rate: number | null) => pace.planOf(target, scale.steadySeconds, rate);
  const runs = await findHeldRate(whole, planOf, { ...scale, lagMax: pace.lagMax });
  await whole.stop();
  return { ...runs, checked: await checkWhole(folder, runs.loads, build) };
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

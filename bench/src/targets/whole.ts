import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout } from "node:timers/promises";
import { BenchFault, type Books, checkAnswers, checkBooks } from "../checks.ts";
import { type Child, runLoad, runScript, startChild } from "../children.ts";
import { type Figure, figure } from "../figure.ts";
import type { LoadResult } from "../load/plan.ts";
import type { VisiblePlan, VisibleResult } from "../load/visible.ts";
import type { Scale } from "../scale.ts";
import type { LedgerCheck, LedgerServerReady } from "../servers/ledger.ts";
import type { WholePositions, WholeQuestion, WholeServerReady } from "../servers/whole.ts";
import { bulkPlan } from "./bulk.ts";
import { singlePlan } from "./singles.ts";

type Whole = Child<WholeServerReady>;
/** How long ago the load began that a projection has caught up with, by name. */
type CaughtUp = ReadonlyMap<string, number>;

const ACCOUNTS = 2000;
const RATE = 5000;

/** The whole ledger in one process (P4): how fast projections follow, and when a payment is seen by whoever asks for its position. */
export async function measureWhole(folder: string, scale: Scale): Promise<Figure[]> {
  const options = { folder: join(folder, "whole") };
  const whole: Whole = await startChild("servers/whole.ts", options);
  const { accounts } = await ask<{ accounts: string[] }>(whole, { ask: "accounts", count: ACCOUNTS });
  const target = { ...whole.ready, accounts };
  await caughtUp(whole, performance.now());

  const startMs = performance.now();
  // The projections work from the first bulk on; they are watched from when the log has its last.
  const behind = await runLoad(bulkPlan(target, scale.behindPayments));
  checkAnswers("the whole", [behind]);
  const followed = await caughtUp(whole, startMs);

  const paced = { ...singlePlan(target, scale.seconds), rate: RATE };
  const plan: VisiblePlan = { ...paced, every: 25, readers: 16 };
  const { load, visible } = await runScript<VisibleResult>("load/visible.ts", plan);
  await caughtUp(whole, performance.now());
  await whole.stop();
  const checked = await checkWhole(options.folder, [behind, load]);
  const keepUp = [...followed].map(([name, seconds]) =>
    figure("P4", `projection ${name} keeps up, all three in one thread`, {
      ...{ value: behind.acknowledged / seconds, unit: "payments/s", atLeast: 20_000 },
      note: `${behind.acknowledged.toLocaleString("en")} payments written in ${behind.seconds.toFixed(1)} s meanwhile`,
    }),
  );
  const kept = load.perSecond >= 0.98 * RATE ? "" : "the rate was NOT reached; ";
  const seen = `${kept}${visible.count.toLocaleString("en")} reads, ${Math.round(load.perSecond).toLocaleString("en")} payments/s`;
  return [
    figure("P4", `answered to visible at ${RATE} payments/s, standalone: p99`, {
      ...{ value: visible.p99Ms, unit: "ms", atMost: 100, note: `${seen}; ${checked}` },
      beside: [{ name: "the payment's own p99", value: load.latency.p99Ms }],
    }),
    figure("P4", "the same: p50", {
      ...{ value: visible.p50Ms, unit: "ms", beside: [{ name: "the payment's own p50", value: load.latency.p50Ms }] },
    }),
    ...keepUp,
  ];
}

function ask<T>(whole: Whole, question: WholeQuestion): Promise<T> {
  return whole.ask<T>(question);
}

/** Waits until every projection stands at the head of the log. @returns for each, how many seconds after `startMs` it did */
async function caughtUp(whole: Whole, startMs: number): Promise<CaughtUp> {
  const seconds = new Map<string, number>();
  while (true) {
    const { head, projections } = await ask<WholePositions>(whole, { ask: "positions" });
    const nowSeconds = (performance.now() - startMs) / 1000;
    const names = Object.keys(projections);
    for (const name of names) if (projections[name] === head && !seconds.has(name)) seconds.set(name, nowSeconds);
    if (seconds.size === names.length) return seconds;
    if (nowSeconds > 900) throw new BenchFault(`projections stand at ${JSON.stringify(projections)} of ${head}`);
    await setTimeout(20);
  }
}

/** The log, read back by the command-service, and the read models must both hold what was acknowledged, and no money besides. */
async function checkWhole(folder: string, loads: readonly LoadResult[]): Promise<string> {
  const ledger = await startChild<LedgerServerReady>("servers/ledger.ts", { folder });
  const check = await ledger.ask<LedgerCheck>({ ask: "check" });
  await ledger.stop();
  checkBooks("the read models", modelBooks(join(folder, "models.sqlite")), loads);
  return checkBooks("the log", check, loads);
}

function modelBooks(file: string): Books {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const { payments } = db.prepare("SELECT COUNT(*) AS payments FROM payments").get() ?? {};
    const { sum } = db.prepare("SELECT SUM(posted) AS sum FROM accounts").get() ?? {};
    const { entries } = db.prepare("SELECT COUNT(*) AS entries FROM entries").get() ?? {};
    if (Number(entries) !== 2 * Number(payments))
      throw new BenchFault(`the read models hold ${payments} payments and ${entries} entries`);
    return { payments: Number(payments), sum: String(sum) };
  } finally {
    db.close();
  }
}

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout } from "node:timers/promises";
import { BenchFault, type BookTotals, checkBooks } from "../checks.ts";
import { type Checkout, type Child, startChild } from "../children.ts";
import type { LoadResult } from "../load/plan.ts";
import type { LedgerCheck, LedgerServerReady } from "../servers/ledger.ts";
import type { WholePositions, WholeQuestion, WholeServerReady } from "../servers/whole.ts";

export type Whole = Child<WholeServerReady>;
/** Per projection, the seconds from the start of the load until it had caught up. */
export type CaughtUp = ReadonlyMap<string, number>;

export function startWhole(folder: string, build?: Checkout, exports = false): Promise<Whole> {
  return startChild("servers/whole.ts", { folder, exports }, build);
}

export function ask<T>(whole: Whole, question: WholeQuestion): Promise<T> {
  return whole.ask<T>(question);
}

/** CPU seconds of all the server's threads since it started. */
export async function cpuSecondsOf(server: Pick<Child<unknown>, "ask">): Promise<number> {
  const { cpuSeconds } = await server.ask<{ cpuSeconds: number }>({ ask: "memory" });
  return cpuSeconds;
}

/** Waits until every projection is at the head of the log. @returns for each, the seconds from `startMs` until then */
export async function caughtUp(whole: Whole, startMs: number, secondsMax = 900): Promise<CaughtUp> {
  const seconds = new Map<string, number>();
  while (true) {
    const { head, projections } = await ask<WholePositions>(whole, { ask: "positions" });
    const nowSeconds = (performance.now() - startMs) / 1000;
    const names = Object.keys(projections);
    for (const name of names) if (projections[name] === head && !seconds.has(name)) seconds.set(name, nowSeconds);
    if (seconds.size === names.length) return seconds;
    if (nowSeconds > secondsMax) throw new BenchFault(`projections are at ${JSON.stringify(projections)} of ${head}`);
    await setTimeout(20);
  }
}

/** Reads back the log and the read models: both must hold exactly the acknowledged payments, and sum to zero. */
export async function checkWhole(folder: string, loads: readonly LoadResult[], build?: Checkout): Promise<string> {
  const ledger = await startChild<LedgerServerReady>("servers/ledger.ts", { folder }, build);
  const check = await ledger.ask<LedgerCheck>({ ask: "check" });
  await ledger.stop();
  checkBooks("the read models", modelBooks(join(folder, "models.sqlite")), loads);
  return checkBooks("the log", check, loads);
}

function modelBooks(file: string): BookTotals {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const { payments } = db.prepare("SELECT COUNT(*) AS payments FROM payments").get() ?? {};
    const { entries, sum } = db.prepare("SELECT COUNT(*) AS entries, SUM(amount) AS sum FROM entries").get() ?? {};
    if (Number(entries) !== 2 * Number(payments))
      throw new BenchFault(`the read models hold ${payments} payments and ${entries} entries`);
    return { payments: Number(payments), sum: String(sum) };
  } finally {
    db.close();
  }
}

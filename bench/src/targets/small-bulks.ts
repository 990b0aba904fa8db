import { join } from "node:path";
import { checkBooks } from "../checks.ts";
import { runLoad, startChild } from "../children.ts";
import { type Figure, figure } from "../figure.ts";
import type { LoadResult } from "../load/plan.ts";
import { inRounds, medianOf } from "../rounds.ts";
import type { Scale } from "../scale.ts";
import type { LedgerCheck, LedgerServerReady } from "../servers/ledger.ts";
import { singlePlan } from "./singles.ts";

/** Bulks of 50 on 100 connections, the write side alone (P2b): atomic, as in the peer, and item by item. */
export async function measureSmallBulks(folder: string, scale: Scale): Promise<Figure[]> {
  const ledger = await startChild<LedgerServerReady>("servers/ledger.ts", { folder: join(folder, "small") });
  const { accounts } = await ledger.ask<{ accounts: string[] }>({ ask: "accounts", count: scale.accounts });
  const target = { ...ledger.ready, accounts };
  const load = (mode: "atomic" | "each", seconds: number) =>
    runLoad(singlePlan(target, seconds, { path: "/v1/bulk", perRequest: 50, connections: 100, mode }));
  const warmup = await load("each", Math.min(3, scale.seconds / 3));
  const modes = ["atomic", "each"] as const;
  const works = new Map(modes.map((mode) => [mode, () => load(mode, scale.seconds)] as const));
  const results = await inRounds<(typeof modes)[number], LoadResult>(scale.rounds, works);
  const check = await ledger.ask<LedgerCheck>({ ask: "check" });
  const checked = checkBooks("the ledger", check, [warmup, ...modes.flatMap((mode) => results(mode))]);
  await ledger.stop();
  const published = { name: "Formance v3, published, 3 × 8 cores, replicated", value: 106_000 };
  return modes.flatMap((mode) => [
    figure("P2b", `bulks of 50, ${mode}, 100 connections`, {
      ...{ value: medianOf(results(mode), (result) => result.perSecond), unit: "payments/s", atLeast: 120_000 },
      ...{ beside: [published], note: checked },
    }),
    figure("P2b", `bulks of 50, ${mode}: p99 per bulk`, {
      ...{ value: medianOf(results(mode), (result) => result.latency.p99Ms), unit: "ms", atMost: 25 },
    }),
  ]);
}

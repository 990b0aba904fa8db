import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { optionalText, readSettings } from "ledger-core/process";
import { BenchFault, checkAnswers } from "../checks.ts";
import { runLoad, runScript, startChild } from "../children.ts";
import { type Figure, figure } from "../figure.ts";
import type { LoadPlan, LoadResult } from "../load/plan.ts";
import { medianOf } from "../rounds.ts";
import { median, type Scale } from "../scale.ts";
import type { ClientPlan, ClientResult } from "../servers/esdb-client.ts";
import type { AppendCounts, LedgerCheck, LedgerServerReady } from "../servers/ledger.ts";
import { bulkPlan } from "./bulk-plan.ts";
import { singlePlan } from "./singles.ts";

const kinds = [
  { name: "one payment per request, 64 connections", share: 0.5, perRequest: 1 },
  { name: "bulks of 1,000, 4 connections", share: 0.8, perRequest: 1000 },
] as const;

/** The header and the type of a plain payment's frame. */
const FRAME_BYTES = 45;

/**
 * P9: payments per second through the EventStoreDB adapter, each load followed by what the package's client alone
 * reaches on the same server with appends of the same sizes.
 */
export async function measureEventStore(folder: string, scale: Scale): Promise<Figure[]> {
  mkdirSync(folder, { recursive: true });
  const { EVENTSTOREDB_URL: given } = readSettings({ EVENTSTOREDB_URL: optionalText() });
  const standIn = given === undefined ? await startChild<{ url: string }>("servers/log-server.ts", { folder }) : null;
  const url = given ?? standIn?.ready.url ?? "";
  const ledger = await startChild<LedgerServerReady>("servers/ledger.ts", { folder: join(folder, "ledger"), url });
  const { accounts } = await ledger.ask<{ accounts: string[] }>({ ask: "accounts", count: scale.accounts });
  const before = await ledger.ask<LedgerCheck>({ ask: "check" });
  const target = { ...ledger.ready, accounts };
  const run = `p9-${randomUUID()}`;
  const server = standIn ? "a stand-in for EventStoreDB" : "the EventStoreDB of EVENTSTOREDB_URL";

  const figures: Figure[] = [];
  const own: LoadResult[] = [];
  for (const { name, share, perRequest } of kinds) {
    const plan = (part: string): LoadPlan => {
      const whole = perRequest === 1 ? singlePlan(target, scale.seconds) : bulkPlan(target, 1e9);
      return { ...whole, seconds: scale.seconds, run: `${run}-${perRequest}-${part}` };
    };
    own.push(await runLoad({ ...plan("warm"), seconds: Math.min(3, scale.seconds / 3) }));
    const rounds: LoadResult[] = [];
    const limits: number[] = [];
    let sizes = "";
    for (let round = 0; round < scale.rounds; round++) {
      await ledger.ask<AppendCounts>({ ask: "appends" });
      rounds.push(await runLoad(plan(String(round))));
      const { appends, events, bytes } = await ledger.ask<AppendCounts>({ ask: "appends" });
      const size = {
        eventsPerAppend: Math.round(events / appends),
        bytesPerEvent: Math.round(bytes / events) - FRAME_BYTES,
      };
      sizes = `${size.eventsPerAppend} events of ${size.bytesPerEvent} bytes per append, on ${server}`;
      const alone: ClientPlan = { url, stream: `bench-${randomUUID()}`, ...size, seconds: scale.seconds };
      limits.push((await runScript<ClientResult>("servers/esdb-client.ts", alone)).perSecond);
    }
    own.push(...rounds);
    const limit = median(limits);
    figures.push(
      figure("P9", `through EventStoreDB, ${name}`, {
        ...{ value: medianOf(rounds, ({ perSecond }) => perSecond), unit: "payments/s", atLeast: share * limit },
        ...{ beside: [{ name: "the package's client alone, events/s", value: limit }], note: sizes },
      }),
    );
  }
  await checkPayments(before, await ledger.ask<LedgerCheck>({ ask: "check" }), own);
  await ledger.stop();
  await standIn?.stop();
  return figures;
}

/** A server of EVENTSTOREDB_URL may hold payments of earlier runs. */
async function checkPayments(before: LedgerCheck, after: LedgerCheck, own: readonly LoadResult[]): Promise<void> {
  checkAnswers("the ledger on EventStoreDB", own);
  const acknowledged = own.reduce((sum, load) => sum + load.acknowledged, 0);
  if (after.payments - before.payments !== acknowledged || after.sum !== "0")
    throw new BenchFault(`${acknowledged} payments acknowledged, ${after.payments - before.payments} in the log`);
}

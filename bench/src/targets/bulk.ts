import { rm } from "node:fs/promises";
import { join } from "node:path";
import { checkBooks } from "../checks.ts";
import { type Checkout, runLoad, startChild } from "../children.ts";
import { type Figure, figure } from "../figure.ts";
import type { Scale } from "../scale.ts";
import type { LedgerCheck, LedgerServerReady } from "../servers/ledger.ts";
import { filesIn } from "../soak/sizes.ts";
import { bulkPlan } from "./bulk-plan.ts";
import { cpuSecondsOf } from "./following.ts";
import { measureRebuilds } from "./rebuild.ts";
import { measureSmallBulks } from "./small-bulks.ts";

type Memory = { readonly rssBytes: number; readonly rssMostBytes: number; readonly cpuSeconds: number };
const MIB = 2 ** 20;

/** Sustained bulks of 1,000 (P2); then, on the resulting log, restarts (P7) and rebuilds (P5); bulks of 50 (P2b). */
export async function measureBulk(folder: string, scale: Scale, against: Checkout): Promise<Figure[]> {
  const options = { folder: join(folder, "bulk") };
  const ledger = await startChild<LedgerServerReady>("servers/ledger.ts", options);
  const { accounts } = await ledger.ask<{ accounts: string[] }>({ ask: "accounts", count: scale.bulkAccounts });
  const startCpu = await cpuSecondsOf(ledger);
  const load = await runLoad(bulkPlan({ ...ledger.ready, accounts }, scale.bulkPayments));
  const memory = await ledger.ask<Memory>({ ask: "memory" });
  const disk = Object.values(filesIn(options.folder)).reduce((sum, bytes) => sum + bytes, 0);
  const check = await ledger.ask<LedgerCheck>({ ask: "check" });
  const checked = checkBooks("the ledger", check, [load]);
  await ledger.stop();
  const peer = { name: "TigerBeetle at 1,000 per request, measured once and apart", value: 190_000 };
  return [
    figure("P2", `bulk, 1,000 per request, 4 connections, ${count(check.payments)} payments`, {
      ...{ value: load.perSecond, unit: "payments/s", atLeast: 200_000, beside: [peer], note: checked },
    }),
    figure("P2", "its p99 per bulk", { value: load.latency.p99Ms, unit: "ms" }),
    figure("P2", "memory, most", {
      ...{ value: memory.rssMostBytes / MIB, unit: "MiB", atMost: 1024, note: `${count(accounts.length)} accounts` },
    }),
    figure("P2", "disk per payment, log and state", { value: disk / check.payments, unit: "bytes", atMost: 1000 }),
    figure("P11", "CPU of the write side, bulks of 1,000", {
      ...{
        value: ((memory.cpuSeconds - startCpu) / load.acknowledged) * 1e6,
        unit: "s per million payments",
        atMost: 10,
      },
    }),
    figure("P2", "CPU of the load process", { value: load.cpuSeconds / load.seconds, unit: "s per second" }),
    ...(await measureRestarts(options.folder, check.events)),
    ...(await measureRebuilds(options.folder, accounts.length, scale, against)),
    ...(await measureSmallBulks(folder, scale)),
  ];
}

async function measureRestarts(folder: string, events: number): Promise<Figure[]> {
  const again = await restart(folder);
  for (const suffix of ["", "-wal", "-shm"]) await rm(join(folder, `state.sqlite${suffix}`), { force: true });
  const rebuilt = await restart(folder);
  const note = `behind ${count(events)} events`;
  return [
    figure("P7", "restart of the writer", { value: again.seconds, unit: "s", atMost: 3, note }),
    figure("P7", "memory after the restart", { value: again.rssMost / MIB, unit: "MiB", atMost: 1024 }),
    figure("P5", "state file deleted: rebuild of the decision state", {
      ...{ value: events / rebuilt.seconds, unit: "events/s", atLeast: 300_000 },
      note: `${rebuilt.seconds.toFixed(1)} s`,
    }),
    figure("P7", "memory after the rebuild", { value: rebuilt.rssMost / MIB, unit: "MiB", atMost: 1024 }),
  ];
}

async function restart(folder: string): Promise<{ readonly seconds: number; readonly rssMost: number }> {
  const ledger = await startChild<LedgerServerReady>("servers/ledger.ts", { folder });
  const { rssMostBytes } = await ledger.ask<Memory>({ ask: "memory" });
  await ledger.stop();
  return { seconds: ledger.ready.openMs / 1000, rssMost: rssMostBytes };
}

function count(number: number): string {
  return number.toLocaleString("en");
}

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { runLoad, startChild } from "../children.ts";
import type { Figure } from "../figure.ts";
import type { Scale } from "../scale.ts";
import type { LedgerCheck, LedgerServerReady } from "../servers/ledger.ts";
import { checked, figure } from "./singles.ts";

type Memory = { readonly rssBytes: number; readonly rssMostBytes: number };
const MIB = 2 ** 20;

/** Bulks of 1,000 sustained (P2), and then the restart behind what they left (P7), with the state file and without it. */
export async function measureBulk(folder: string, scale: Scale): Promise<Figure[]> {
  const options = { folder: join(folder, "bulk") };
  const ledger = await startChild<LedgerServerReady>("servers/ledger.ts", options);
  const { accounts } = await ledger.ask<{ accounts: string[] }>({ ask: "accounts", count: scale.bulkAccounts });
  const common = {
    port: ledger.ready.port,
    token: ledger.ready.token,
    accounts,
    path: "/v1/bulk",
    hot: null,
    rate: null,
  };
  const size = { perRequest: 1000, connections: 4, payments: scale.bulkPayments, seconds: 600 };
  const load = await runLoad({ ...common, ...size, run: "bulk" });
  if (load.firstRefusal) throw new Error(`an answer was not the one asked for: ${load.firstRefusal}`);
  const memory = await ledger.ask<Memory>({ ask: "memory" });
  const sizes = await ledger.ask<Record<string, number>>({ ask: "sizes" });
  const check = await ledger.ask<LedgerCheck>({ ask: "check" });
  if (check.payments !== load.acknowledged)
    throw new Error(`${load.acknowledged} acknowledged, ${check.payments} in the log`);
  await ledger.stop();
  const disk = Object.values(sizes).reduce((sum, bytes) => sum + bytes, 0);
  const restarts = await measureRestarts(options.folder, check.events);
  const peer = { name: "TigerBeetle at 1,000 a request, as PERFORMANCE.md measured it", value: 190_000 };
  return [
    figure(
      "P2",
      "bulk, 1,000 a request, 4 connections",
      "payments/s",
      load.perSecond,
      200_000,
      true,
      [peer],
      checked(check),
    ),
    figure("P2", "its p99 a bulk", "ms", load.latency.p99Ms, null, false, [], ""),
    figure(
      "P2",
      "memory, most",
      "MiB",
      memory.rssMostBytes / MIB,
      1024,
      false,
      [],
      `${accounts.length.toLocaleString("en")} accounts`,
    ),
    figure("P2", "disk a payment, log and state", "bytes", disk / check.payments, 1000, false, [], ""),
    figure("P2", "CPU of the load process", "s of each s", load.cpuSeconds / load.seconds, null, false, [], ""),
    ...restarts,
  ];
}

async function measureRestarts(folder: string, events: number): Promise<Figure[]> {
  const again = await startChild<LedgerServerReady>("servers/ledger.ts", { folder });
  const memory = await again.ask<Memory>({ ask: "memory" });
  await again.stop();
  for (const suffix of ["", "-wal", "-shm"]) await rm(join(folder, `state.sqlite${suffix}`), { force: true });
  const rebuilt = await startChild<LedgerServerReady>("servers/ledger.ts", { folder });
  const rebuiltMemory = await rebuilt.ask<Memory>({ ask: "memory" });
  await rebuilt.stop();
  const behind = `behind ${events.toLocaleString("en")} events`;
  const perSecond = events / (rebuilt.ready.openMs / 1000);
  return [
    figure("P7", "restart of the writer", "s", again.ready.openMs / 1000, 3, false, [], behind),
    figure("P7", "memory after the restart", "MiB", memory.rssMostBytes / MIB, 1024, false, [], ""),
    figure(
      "P5",
      "state file deleted: rebuild",
      "events/s",
      perSecond,
      300_000,
      true,
      [],
      `${(rebuilt.ready.openMs / 1000).toFixed(1)} s`,
    ),
    figure("P7", "memory after the rebuild", "MiB", rebuiltMemory.rssMostBytes / MIB, 1024, false, [], ""),
  ];
}

import { join } from "node:path";
import { findKafka, startKafka } from "ledger-core/testing/engines/kafka";
import { checkAnswers, checkBooks } from "../checks.ts";
import { runLoad, startChild } from "../children.ts";
import type { Figure } from "../figure.ts";
import { type BenchPair, startBenchPair } from "../replica/pair.ts";
import type { Scale } from "../scale.ts";
import type { LedgerCheck, LedgerServerReady } from "../servers/ledger.ts";
import { bulkPlan } from "./bulk-plan.ts";
import { measureReplicaHistory } from "./history.ts";
import { measureRate } from "./replica-rate.ts";
import { measureVisibleOnReplica } from "./replica-visible.ts";

const ACCOUNTS = 2000;

/** Read models on a MariaDB primary and read from its replica; nothing without MariaDB on this machine. */
export async function measureReplica(folder: string, scale: Scale): Promise<Figure[]> {
  const on = await startBenchPair();
  if ("absent" in on) {
    process.stderr.write(`left out: read models on a replica: ${on.absent}\n`);
    return [];
  }
  try {
    const live = await measureLive(join(folder, "live"), scale, on);
    return [...live, ...(await measureReplicaHistory(join(folder, "history"), scale, on))];
  } finally {
    await on.stop();
  }
}

/** How fast the models follow a log, and then when a query on the replica shows a payment. */
async function measureLive(folder: string, scale: Scale, on: BenchPair): Promise<Figure[]> {
  const database = await on.createDatabase();
  const filling = await startChild<LedgerServerReady>("servers/ledger.ts", { folder, shared: true });
  const { accounts } = await filling.ask<{ accounts: string[] }>({ ask: "accounts", count: ACCOUNTS });
  const load = await runLoad(bulkPlan({ ...filling.ready, accounts }, scale.behindPayments));
  checkAnswers("the ledger", [load]);
  const books = await filling.ask<LedgerCheck>({ ask: "check" });
  checkBooks("the ledger", books, [load]);
  await filling.stop();
  const rate = await measureRate({ ...{ folder, on, database }, accounts: ACCOUNTS, payments: books.payments });

  const source = await findKafka();
  if (source.kind === "none") {
    process.stderr.write(`left out: from an answer to the replica: ${source.reason}\n`);
    return rate;
  }
  const broker = await startKafka(source);
  const ledger = await startChild<LedgerServerReady>("servers/ledger.ts", { folder, shared: true });
  try {
    const commands = { ...ledger.ready, accounts };
    const head = books.events - 1;
    const visible = { ...{ folder, on, broker, database, commands, head }, seconds: scale.seconds };
    return [...(await measureVisibleOnReplica(visible)), ...rate];
  } finally {
    await ledger.stop();
    await broker.stop();
  }
}

import { join } from "node:path";
import { startChild } from "../children.ts";
import { type Figure, figure } from "../figure.ts";
import { loadInBatches, loadTables } from "../replica/loaded.ts";
import type { BenchPair } from "../replica/pair.ts";
import type { RebuildReady, RebuildRunOptions } from "../servers/rebuild.ts";

export type RateOptions = {
  /** The folder of the log. */
  readonly folder: string;
  readonly on: BenchPair;
  readonly database: string;
  /** The log holds so many openings of accounts, and then so many payments. */
  readonly accounts: number;
  readonly payments: number;
};

/**
 * The highest rate at which the read models on a primary, with a replica behind it, keep up: payments that wait in the
 * log, over the time to apply them. Beside it, the same rows loaded by the server from its own files, each table at
 * once, and those of entries and payments in transactions like the worker's.
 */
export async function measureRate(options: RateOptions): Promise<Figure[]> {
  const { folder, on, database, accounts, payments } = options;
  const run: RebuildRunOptions = {
    ...{ log: join(folder, "events.sqlite"), store: { server: on.onPrimary("writer", database) } },
    ...{ before: accounts, events: payments },
  };
  const child = await startChild<RebuildReady>("servers/rebuild.ts", run);
  const { ready } = child;
  await child.stop();
  if ("absent" in ready) throw new Error(ready.absent);
  const appliedMs = performance.now();
  const [replica] = on.pair.replicas();
  await replica?.caughtUp(on.pair.primary());
  const behindSeconds = (performance.now() - appliedMs) / 1000;
  const loaded = await loadTables(on, database);
  await replica?.caughtUp(on.pair.primary());
  const batched = await loadInBatches(on, database, accounts);
  const rate = ready.events / ready.seconds;
  return [
    figure("P4r", "the models on MariaDB keep up, one shard", {
      ...{ value: rate, unit: "payments/s", atLeast: 20_000 },
      beside: [
        { name: "the same rows by the server's own LOAD DATA", value: ready.events / loaded.seconds },
        {
          name: "its LOAD DATA LOCAL of entries and payments, in the same batches",
          value: ready.events / batched.seconds,
        },
        { name: "until the replica has them too", value: ready.events / (ready.seconds + behindSeconds) },
      ],
      note: `${shown(ready.events)} payments, ${shown(loaded.rows)} rows; the target beside LOAD DATA is 0.8`,
    }),
    figure("P4r", "its CPU, without the server's", {
      ...{ value: (ready.cpuSeconds / ready.events) * 1e6, unit: "us per payment" },
    }),
  ];
}

const shown = (count: number) => count.toLocaleString("en");

import { join } from "node:path";
import { connectMysql, layoutSuffix, selectRows } from "ledger-core/sql";
import { BenchFault } from "../checks.ts";
import { startChild } from "../children.ts";
import { type Figure, figure } from "../figure.ts";
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
 * log, over the time to apply them. Beside it, the same rows loaded by the server from its own files.
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
  const loaded = await loadSeconds(on, database);
  const rate = ready.events / ready.seconds;
  return [
    figure("P4r", "the models on MariaDB keep up, one shard", {
      ...{ value: rate, unit: "payments/s", atLeast: 20_000 },
      beside: [
        { name: "the same rows by the server's own LOAD DATA", value: ready.events / loaded.seconds },
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

type Loaded = { readonly seconds: number; readonly rows: number };

/** Writes every table into a file in the order of its key, and times loading these files into empty tables alike. */
async function loadSeconds(on: BenchPair, database: string): Promise<Loaded> {
  const db = connectMysql({ ...on.onPrimary("admin", database), pool: { min: 0, max: 1 } });
  let [seconds, rows] = [0, 0];
  try {
    const suffix = layoutSuffix(db);
    const names = await selectRows<{ name: string }>(
      db,
      "SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_TYPE = 'BASE TABLE'",
      [database],
    );
    for (const { name } of names.filter((table) => table.name.endsWith(suffix))) {
      const file = `${name}.txt`;
      await db.raw(`SELECT * INTO OUTFILE '${file}' CHARACTER SET utf8mb4 FROM \`${name}\``);
      await db.raw(`CREATE TABLE \`loaded_${name}\` LIKE \`${name}\``);
      const startMs = performance.now();
      await db.raw(`LOAD DATA INFILE '${file}' INTO TABLE \`loaded_${name}\` CHARACTER SET utf8mb4`);
      seconds += (performance.now() - startMs) / 1000;
      const count = async (table: string) =>
        Number((await selectRows(db, `SELECT COUNT(*) AS n FROM \`${table}\``))[0]?.n);
      const [original, copied] = [await count(name), await count(`loaded_${name}`)];
      if (original !== copied) throw new BenchFault(`${copied} of ${original} rows of ${name} were loaded`);
      rows += copied;
      await db.raw(`DROP TABLE \`loaded_${name}\``);
    }
    return { seconds, rows };
  } finally {
    await db.destroy();
  }
}

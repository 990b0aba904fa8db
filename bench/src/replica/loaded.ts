import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { tables } from "ledger-core";
import { connectMysql, layoutSuffix, selectRows } from "ledger-core/sql";
import { BenchFault } from "../checks.ts";
import type { BenchPair } from "./pair.ts";

/** The models of a database as the server loads them without us: how long it took, and how many rows. */
export type LoadedTables = { readonly seconds: number; readonly rows: number };

/** As many payments as the worker applies in a transaction while it is far behind. */
const BATCH_PAYMENTS = 5000;
const LINE_FEED = 10;

type Database = ReturnType<typeof connectMysql>;

/** Writes every table into a file in the order of its key, and times loading these files into empty tables alike. */
export async function loadTables(on: BenchPair, database: string): Promise<LoadedTables> {
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
      rows += await sameRows(db, name);
      await db.raw(`DROP TABLE \`loaded_${name}\``);
    }
    return { seconds, rows };
  } finally {
    await db.destroy();
  }
}

/**
 * Loads entries and payments as the worker does: each batch of payments in a transaction of its own, its rows in the
 * order of their keys, from this process by TLS. The texts are ready beforehand, and no sums of days are kept.
 */
export async function loadInBatches(on: BenchPair, database: string, before: number): Promise<LoadedTables> {
  const db = connectMysql({ ...on.onPrimary("admin", database), pool: { min: 0, max: 1 } });
  try {
    const suffix = layoutSuffix(db);
    const [entries, payments] = [tables.entries + suffix, tables.payments + suffix];
    const batch = (revision: string) => `(${revision} - ${before}) DIV ${BATCH_PAYMENTS}`;
    const inTurns = [
      await textsOf(db, entries, `${batch("revision")}, account, revision, idx`, 2 * BATCH_PAYMENTS),
      await textsOf(db, payments, `${batch("number")}, number`, BATCH_PAYMENTS),
    ];
    for (const name of [entries, payments]) await db.raw(`CREATE TABLE \`loaded_${name}\` LIKE \`${name}\``);
    const startMs = performance.now();
    for (let turn = 0; turn < Math.max(...inTurns.map(({ texts }) => texts.length)); turn++)
      await db.transaction(async (trx) => {
        for (const { name, texts } of inTurns) await loadText(trx, name, texts[turn]);
      });
    const seconds = (performance.now() - startMs) / 1000;
    let rows = 0;
    for (const name of [entries, payments]) {
      rows += await sameRows(db, name);
      await db.raw(`DROP TABLE \`loaded_${name}\``);
    }
    return { seconds, rows };
  } finally {
    await db.destroy();
  }
}

/** The rows of a table in an order, as texts of so many rows that LOAD DATA reads. */
async function textsOf(db: Database, name: string, order: string, rows: number) {
  const file = `${name}-in-batches.txt`;
  await db.raw(`SELECT * INTO OUTFILE '${file}' CHARACTER SET utf8mb4 FROM \`${name}\` ORDER BY ${order}`);
  const [at] = await selectRows<{ folder: string }>(db, "SELECT CONCAT(@@datadir, DATABASE()) AS folder");
  const bytes = await readFile(join(at?.folder ?? "", file));
  const texts: Buffer[] = [];
  for (let from = 0, to = 0, count = 0; from < bytes.length; count = 0, from = to) {
    for (; count < rows && to < bytes.length; count++) to = bytes.indexOf(LINE_FEED, to) + 1;
    texts.push(bytes.subarray(from, to));
  }
  return { name, texts };
}

async function loadText(trx: Database, name: string, text: Buffer | undefined): Promise<void> {
  if (!text) return;
  const sql = `LOAD DATA LOCAL INFILE 'rows' INTO TABLE \`loaded_${name}\` CHARACTER SET utf8mb4`;
  const connection = await trx.client.acquireConnection();
  const options = { infileStreamFactory: () => Readable.from([text]) };
  await trx.client.query(connection, { sql, options, method: "raw" });
}

/** @throws if a table and its copy differ in their number of rows */
async function sameRows(db: Database, name: string): Promise<number> {
  const count = async (table: string) =>
    Number((await selectRows<{ n: bigint }>(db, `SELECT COUNT(*) AS n FROM \`${table}\``))[0]?.n);
  const [original, copied] = [await count(name), await count(`loaded_${name}`)];
  if (original !== copied) throw new BenchFault(`${copied} of ${original} rows of ${name} were loaded`);
  return copied;
}

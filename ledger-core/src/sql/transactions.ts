import type { Knex } from "knex";
import { LedgerError } from "../domain/errors.ts";
import { dialectOf } from "./dialect.ts";
import { selectRows } from "./rows.ts";
import { refusesToWrite } from "./store-errors.ts";

/**
 * Runs work that changes tables, one process at a time. On SQLite it is one transaction; MySQL commits at every change
 * of a table, so there each step must be repeatable.
 * @throws store_unavailable when another process holds the lock for a minute
 */
export async function withMigrationLock<Result>(
  db: Knex,
  lock: string,
  work: (trx: Knex) => Promise<Result>,
): Promise<Result> {
  return db.transaction(async (trx) => {
    if (dialectOf(db) === "sqlite") return work(trx);
    const [row] = await selectRows<{ held: bigint | number | null }>(trx, "SELECT GET_LOCK(?, 60) AS held", [lock]);
    if (Number(row?.held) !== 1) {
      throw new LedgerError("store_unavailable", `the lock ${lock} is held by another process`, { retryable: true });
    }
    try {
      return await work(trx);
    } finally {
      await selectRows(trx, "SELECT RELEASE_LOCK(?)", [lock]);
    }
  });
}

/**
 * A transaction that writes. A connection whose server refuses to write is given up: after a failover, the server's
 * name leads to another.
 */
export async function inWritingTransaction<Result>(db: Knex, work: (trx: Knex) => Promise<Result>): Promise<Result> {
  if (dialectOf(db) === "sqlite") return db.transaction(work);
  let connection: { destroy(): void } | undefined;
  try {
    return await db.transaction(async (trx) => {
      connection = await trx.client.acquireConnection();
      return work(trx);
    });
  } catch (error) {
    if (refusesToWrite(error)) connection?.destroy();
    throw error;
  }
}

/** A transaction in which every read sees the store as it was at one moment, whatever others commit meanwhile. */
export async function inSnapshot<Result>(db: Knex, work: (trx: Knex) => Promise<Result>): Promise<Result> {
  return dialectOf(db) === "sqlite"
    ? db.transaction(work)
    : db.transaction(work, { isolationLevel: "repeatable read" });
}

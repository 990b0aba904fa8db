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
 * Runs work while this process holds a lock of a database on a server, which ends with the connection that took it. The
 * signal aborts with the driver's error, or store_unavailable, when the lock is lost.
 * @param everyMs how often it asks whether it still holds the lock, in ms. 10 to 60,000. Default 2000
 * @returns "held" if another connection holds it
 */
export async function inLock<Result>(
  db: Knex,
  lock: string,
  work: (lost: AbortSignal) => Promise<Result>,
  everyMs = 2000,
): Promise<"held" | { readonly result: Result }> {
  const connection = await db.client.acquireConnection();
  // Names of locks are the server's, and several databases may share it.
  const name = "CONCAT(?, '_', LEFT(MD5(DATABASE()), 16))";
  const ask = async (sql: string) => {
    const [rows] = await db.raw(sql, [lock]).connection(connection);
    return Number(rows[0]?.answer);
  };
  const lost = new AbortController();
  const look = () => {
    ask(`SELECT IS_USED_LOCK(${name}) = CONNECTION_ID() AS answer`).then(
      (held) => held === 1 || lost.abort(new LedgerError("store_unavailable", `the lock ${lock} is lost`)),
      (error: unknown) => lost.abort(error),
    );
  };
  let watch: NodeJS.Timeout | undefined;
  try {
    if ((await ask(`SELECT GET_LOCK(${name}, 0) AS answer`)) !== 1) return "held";
    watch = setInterval(look, everyMs);
    const result = await work(lost.signal);
    await ask(`SELECT RELEASE_LOCK(${name}) AS answer`);
    return { result };
  } catch (error) {
    // Whatever it was, the lock ends with its connection.
    connection.destroy();
    throw error;
  } finally {
    clearInterval(watch);
    await db.client.releaseConnection(connection);
  }
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

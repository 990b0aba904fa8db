import { MILESTONE_SPAN, tables } from "ledger-core";
import { type connectMysql, layoutSuffix, loadRows, type RowSource, type SqlValue, selectRows } from "ledger-core/sql";
import { entryColumns, entryMaker, FIRST_REVISION, history, historyAccounts, type MadeEntry } from "./rows.ts";

/*
 * The history of rows.ts in the tables of a server, loaded by LOAD DATA. The connection is the only one of its pool,
 * and of a user who may leave the binary log out.
 */

type Database = ReturnType<typeof connectMysql>;

const ROWS_PER_LOAD = 200_000;
/** As the projection partitions entries on a server. */
const RUN_REVISIONS = 2 ** 24;

/** Opens the account and its counterparties in empty tables. */
export async function openServerHistory(db: Database): Promise<void> {
  const { tenant, currency, salt } = history;
  await db.raw("SET SESSION sql_log_bin = 0");
  const columns = ["number", "salt", "tenant", "owner", "type", "status", "currency", "time_zone", "opened_at"];
  const rows = historyAccounts().map(({ number, owner, at }) => [
    ...[number, salt, tenant, owner, 0, 0, currency, "UTC", at],
  ]);
  await load(db, tables.accounts, columns, rows);
  await setCheckpoint(db, FIRST_REVISION);
}

/** Adds the entries from `from` up to but not including `upTo`, and moves the checkpoint. */
export async function fillServerHistory(db: Database, from: number, upTo: number): Promise<void> {
  await db.raw("SET SESSION sql_log_bin = 0");
  const make = entryMaker(await lastBalance(db), RUN_REVISIONS);
  for (let first = from; first < upTo; first += ROWS_PER_LOAD) {
    const made: MadeEntry[] = [];
    for (let n = first; n < Math.min(upTo, first + ROWS_PER_LOAD); n++) made.push(make(n));
    await load(
      db,
      tables.entries,
      entryColumns,
      made.map(({ values }) => values),
    );
    const referred = made.flatMap(({ run, reference, revision }) =>
      reference === null ? [] : [[run, history.number, reference, revision, 0]],
    );
    await load(db, tables.entryReferences, ["run", "account", "reference", "revision", "idx"], referred);
    const runs = made.flatMap(({ startsRun, run }) => (startsRun ? [[0, run]] : []));
    await load(db, tables.entryRuns, ["shard", "run"], runs);
    const marked = made.filter(({ revision }, n) => revision % MILESTONE_SPAN === 0 || (first === 0 && n === 0));
    const milestones = marked.map(({ revision, at }) => [0, Math.floor(revision / MILESTONE_SPAN), at]);
    await load(db, tables.milestones, ["shard", "span", "at"], milestones);
  }
  await setCheckpoint(db, FIRST_REVISION + upTo);
}

/** The count of entries, and the difference between the last balance and the sum of the amounts. */
export async function serverHistoryBooks(db: Database): Promise<{ readonly payments: number; readonly sum: string }> {
  const text = `SELECT COUNT(*) AS entries, SUM(amount) AS sum FROM ${named(db, tables.entries)} WHERE account = ?`;
  const [found] = await selectRows(db, text, [history.number]);
  return { payments: Number(found?.entries), sum: String(Number(found?.sum) - (await lastBalance(db))) };
}

async function load(
  db: Database,
  table: string,
  columns: readonly string[],
  rows: readonly (readonly SqlValue[])[],
): Promise<void> {
  const source: RowSource = {
    count: rows.length,
    put(row, into, at) {
      for (const [n, value] of rows[row]?.entries() ?? []) into[at + n] = value;
    },
  };
  if (rows.length > 0 && !(await loadRows(db, table + layoutSuffix(db), columns, source)))
    throw new Error("the server does not allow local_infile");
}

async function lastBalance(db: Database): Promise<number> {
  const text = `SELECT balance FROM ${named(db, tables.entries)}
    WHERE account = ? ORDER BY run DESC, revision DESC LIMIT 1`;
  const [row] = await selectRows(db, text, [history.number]);
  return Number(row?.balance ?? 0);
}

async function setCheckpoint(db: Database, revision: number): Promise<void> {
  const row = { projection: `models${layoutSuffix(db)}`, version: 1, shard: 0, revision };
  await db(tables.checkpoints).insert(row).onConflict().merge();
}

function named(db: Database, table: string): string {
  return `\`${table}${layoutSuffix(db)}\``;
}

import type { DatabaseSync } from "node:sqlite";
import { businessDate, idBody, MILESTONE_SPAN, type Micros, makeId, tables } from "ledger-core";
import { dayOf } from "ledger-core/sql";

/**
 * One account's history as the projection would write it, generated directly: ten million payments through the whole
 * ledger would take too long. Entries are always a second apart, so that a range of time holds as many in a short
 * history as in a long one.
 */
export const history = {
  tenant: "bench",
  currency: "HKD",
  number: 1,
  salt: 7,
  account: makeId("acct", idBody(1_700_000_000_000_000, { shard: 0, revision: 1 }, 7)),
  startUs: 1_700_000_001_000_000,
  spacingUs: 1_000_000,
} as const;

const ROWS_PER_STATEMENT = 64;
const ROWS_PER_COMMIT = 128_000;
const COUNTERPARTIES = 1000;
const FIRST_REVISION = 1010;
/** As the projection partitions entries. */
const RUN_REVISIONS = 65_536;

/** When the nth entry was booked. */
export function bookedAt(n: number): Micros {
  return history.startUs + n * history.spacingUs;
}

/** Opens the account and its counterparties in an empty models file. */
export function openHistory(db: DatabaseSync): void {
  const { tenant, currency, number, salt, startUs } = history;
  const open = db.prepare(
    `INSERT INTO ${tables.accounts} (number, salt, tenant, owner, type, status, currency, time_zone, opened_at)
      VALUES (?, ?, ?, ?, 0, 0, ?, 'UTC', ?)`,
  );
  open.run(number, salt, tenant, "owner", currency, startUs - history.spacingUs);
  for (let n = 0; n < COUNTERPARTIES; n++) open.run(2 + n, salt, tenant, `other-${n}`, currency, startUs);
  db.prepare(`INSERT INTO ${tables.checkpoints} (projection, version, shard, revision) VALUES ('models', 1, 0, ?)`).run(
    FIRST_REVISION,
  );
}

/** Adds the entries from `from` up to but not including `upTo`, with running balances, and moves the checkpoint. */
export function fillHistory(db: DatabaseSync, from: number, upTo: number): void {
  const statement = (rows: number) =>
    db.prepare(
      `INSERT INTO ${tables.entries} (run, account, revision, idx, at, amount, balance, day, type, counterparty, salt,
        reference) VALUES ${Array.from({ length: rows }, () => "(?, ?, ?, 0, ?, ?, ?, ?, 0, ?, ?, ?)").join(", ")}`,
    );
  const many = statement(ROWS_PER_STATEMENT);
  const one = statement(1);
  const refer = db.prepare(`INSERT INTO ${tables.entryReferences} VALUES (?, ?, ?, ?, 0)`);
  const start = db.prepare(`INSERT OR IGNORE INTO ${tables.entryRuns} VALUES (0, ?)`);
  const mark = db.prepare(`INSERT OR IGNORE INTO ${tables.milestones} VALUES (0, ?, ?)`);
  let balance = lastBalance(db);
  const valuesOf = (n: number): (string | number | null)[] => {
    const { number, salt } = history;
    const at = bookedAt(n);
    const revision = FIRST_REVISION + 1 + n;
    const amount = amountOf(n);
    balance += amount;
    const run = revision - (revision % RUN_REVISIONS);
    const reference = n % 16 === 0 ? `order-${n}` : null;
    if (run === revision || n === 0) start.run(run);
    if (revision % MILESTONE_SPAN === 0 || n === 0) mark.run(Math.floor(revision / MILESTONE_SPAN), at);
    if (reference !== null) refer.run(run, number, reference, revision);
    const day = dayOf(businessDate(at, "UTC"));
    return [run, number, revision, at, amount, balance, day, 2 + ((n * 7919) % COUNTERPARTIES), salt, reference];
  };
  for (let n = from; n < upTo; ) {
    const end = Math.min(upTo, n + ROWS_PER_COMMIT);
    db.exec("BEGIN");
    for (; n + ROWS_PER_STATEMENT <= end; n += ROWS_PER_STATEMENT) {
      const values: (string | number | null)[] = [];
      for (let i = 0; i < ROWS_PER_STATEMENT; i++) values.push(...valuesOf(n + i));
      many.run(...values);
    }
    for (; n < end; n++) one.run(...valuesOf(n));
    db.prepare(`UPDATE ${tables.checkpoints} SET revision = ? WHERE projection = 'models'`).run(FIRST_REVISION + n);
    db.exec("COMMIT");
  }
}

function lastBalance(db: DatabaseSync): number {
  const row = db
    .prepare(`SELECT balance FROM ${tables.entries} WHERE account = ? ORDER BY run DESC, revision DESC LIMIT 1`)
    .get(history.number);
  return Number(row?.balance ?? 0);
}

/** Two credits and then a debit, so that the balance rises and amounts differ. */
function amountOf(n: number): number {
  const size = 1 + ((n * 37) % 1000);
  return n % 3 === 2 ? -size : size;
}

/**
 * Checks the file over all its rows: the count, and the difference between the last balance and the sum of the amounts.
 */
export function historyBooks(db: DatabaseSync): { readonly payments: number; readonly sum: string } {
  const found = db
    .prepare(`SELECT COUNT(*) AS entries, SUM(amount) AS sum FROM ${tables.entries} WHERE account = ?`)
    .get(history.number);
  return { payments: Number(found?.entries), sum: String(Number(found?.sum) - lastBalance(db)) };
}

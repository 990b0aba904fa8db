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
export const FIRST_REVISION = 1010;
/** As the projection partitions entries in SQLite. */
const RUN_REVISIONS = 65_536;

/** When the nth entry was booked. */
export function bookedAt(n: number): Micros {
  return history.startUs + n * history.spacingUs;
}

/** The rows of the nth entry. */
export type MadeEntry = {
  readonly values: readonly (string | number | null)[];
  readonly run: number;
  readonly startsRun: boolean;
  readonly revision: number;
  readonly at: Micros;
  readonly reference: string | null;
};

/** The columns of an entry's values. */
export const entryColumns = [
  ...["run", "account", "revision", "idx", "at", "amount", "balance", "day"],
  ...["type", "counterparty", "salt", "reference"],
];

/** Makes one entry after another, with running balances from `balance` on. */
export function entryMaker(balance: number, runRevisions: number): (n: number) => MadeEntry {
  let after = balance;
  return (n) => {
    const { number, salt } = history;
    const at = bookedAt(n);
    const revision = FIRST_REVISION + 1 + n;
    const amount = amountOf(n);
    after += amount;
    const run = revision - (revision % runRevisions);
    const reference = n % 16 === 0 ? `order-${n}` : null;
    const day = dayOf(businessDate(at, "UTC"));
    const counterparty = 2 + ((n * 7919) % COUNTERPARTIES);
    const values = [run, number, revision, 0, at, amount, after, day, 0, counterparty, salt, reference];
    return { values, run, startsRun: run === revision || n === 0, revision, at, reference };
  };
}

/** The accounts of the history: their number, owner, and when they were opened. */
export function historyAccounts(): readonly { readonly number: number; readonly owner: string; readonly at: Micros }[] {
  const { number, startUs, spacingUs } = history;
  const others = Array.from({ length: COUNTERPARTIES }, (_, n) => ({
    number: 2 + n,
    owner: `other-${n}`,
    at: startUs,
  }));
  return [{ number, owner: "owner", at: startUs - spacingUs }, ...others];
}

/** Opens the account and its counterparties in an empty models file. */
export function openHistory(db: DatabaseSync): void {
  const { tenant, currency, salt } = history;
  const open = db.prepare(
    `INSERT INTO ${tables.accounts} (number, salt, tenant, owner, type, status, currency, time_zone, opened_at)
      VALUES (?, ?, ?, ?, 0, 0, ?, 'UTC', ?)`,
  );
  for (const { number, owner, at } of historyAccounts()) open.run(number, salt, tenant, owner, currency, at);
  db.prepare(`INSERT INTO ${tables.checkpoints} (projection, version, shard, revision) VALUES ('models', 1, 0, ?)`).run(
    FIRST_REVISION,
  );
}

/** Adds the entries from `from` up to but not including `upTo`, with running balances, and moves the checkpoint. */
export function fillHistory(db: DatabaseSync, from: number, upTo: number): void {
  const statement = (rows: number) =>
    db.prepare(
      `INSERT INTO ${tables.entries} (${entryColumns.join(", ")})
        VALUES ${Array.from({ length: rows }, () => `(${entryColumns.map(() => "?").join(", ")})`).join(", ")}`,
    );
  const many = statement(ROWS_PER_STATEMENT);
  const one = statement(1);
  const refer = db.prepare(`INSERT INTO ${tables.entryReferences} VALUES (?, ?, ?, ?, 0)`);
  const start = db.prepare(`INSERT OR IGNORE INTO ${tables.entryRuns} VALUES (0, ?)`);
  const mark = db.prepare(`INSERT OR IGNORE INTO ${tables.milestones} VALUES (0, ?, ?)`);
  const make = entryMaker(lastBalance(db), RUN_REVISIONS);
  const valuesOf = (n: number) => {
    const { values, run, startsRun, revision, at, reference } = make(n);
    if (startsRun) start.run(run);
    if (revision % MILESTONE_SPAN === 0 || n === 0) mark.run(Math.floor(revision / MILESTONE_SPAN), at);
    if (reference !== null) refer.run(run, history.number, reference, revision);
    return values;
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

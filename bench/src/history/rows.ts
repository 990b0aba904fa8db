import type { DatabaseSync } from "node:sqlite";
import { type AccountId, businessDate, entryId, idBody, type Micros, makeId, tables } from "ledger-core";

/**
 * One account's history as the projection would have written it, generated directly, since ten million
 * payments through the whole would take the time of the whole. Entries are a second apart, whatever their number: a
 * range of time holds as many in a short history as in a long one.
 */
export const history = {
  tenant: "bench",
  currency: "HKD",
  account: makeId("acct", idBody(1_700_000_000_000_000, { shard: 0, revision: 1 }, 7)),
  startUs: 1_700_000_001_000_000,
  spacingUs: 1_000_000,
} as const;

const ROWS_PER_STATEMENT = 64;
const ROWS_PER_COMMIT = 128_000;
const counterparties: readonly AccountId[] = Array.from({ length: 1000 }, (_, n) =>
  makeId("acct", idBody(history.startUs, { shard: 0, revision: 2 + n }, 7)),
);
const FIRST_REVISION = 1010;

/** When the nth entry was booked. */
export function bookedAt(n: number): Micros {
  return history.startUs + n * history.spacingUs;
}

/** Opens the account in an empty models file. */
export function openHistory(db: DatabaseSync): void {
  const { tenant, currency, account, startUs } = history;
  db.prepare(
    `INSERT INTO ${tables.accounts} (id, tenant, owner, type, currency, status, display_name, time_zone,
       floor, per_transaction, per_day,
      posted, held, opened_at, metadata, shard)
       VALUES (?, ?, 'owner', 'wallet', ?, 'open', NULL, 'UTC', NULL, NULL, NULL, 0, 0, ?, '{}', 0)`,
  ).run(account, tenant, currency, startUs);
  db.prepare(`INSERT INTO ${tables.checkpoints} (projection, version, shard, revision) VALUES ('models', 1, 0, ?)`).run(
    FIRST_REVISION,
  );
}

/**
 * Adds the entries from the `from`th up to and without the `upTo`th, with running balances, and moves balance and
 * checkpoint along.
 */
export function fillHistory(db: DatabaseSync, from: number, upTo: number): void {
  const { tenant, currency, account } = history;
  const row = `(?, ?, 0, ?, '${tenant}', 0, ?, ?, '${currency}', 'payment', ?, ?, ?, ?, ?)`;
  const head = `INSERT INTO ${tables.entries} (account, revision, idx, id, tenant, shard, amount, balance_after,
    currency, type, booked_at,
    effective_date, counterparty, reference, source_id) VALUES `;
  const statement = (rows: number) => db.prepare(head + Array.from({ length: rows }, () => row).join(", "));
  const many = statement(ROWS_PER_STATEMENT);
  const one = statement(1);
  let balance = Number(db.prepare(`SELECT posted FROM ${tables.accounts} WHERE id = ?`).get(account)?.posted);
  const valuesOf = (n: number): (string | number | null)[] => {
    const at = bookedAt(n);
    const position = { shard: 0, revision: FIRST_REVISION + 1 + n };
    const amount = amountOf(n);
    balance += amount;
    const counterparty = counterparties[(n * 7919) % counterparties.length] ?? account;
    const reference = n % 16 === 0 ? `order-${n}` : null;
    const source = makeId("pay", idBody(at, position, 11));
    const id = entryId(at, position, 0);
    return [
      account,
      position.revision,
      id,
      amount,
      balance,
      at,
      businessDate(at, "UTC"),
      counterparty,
      reference,
      source,
    ];
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
    db.prepare(`UPDATE ${tables.accounts} SET posted = ? WHERE id = ?`).run(balance, account);
    db.prepare(`UPDATE ${tables.checkpoints} SET revision = ? WHERE projection = 'models'`).run(FIRST_REVISION + n);
    db.exec("COMMIT");
  }
}

/** Two credits and then a debit, so that the balance rises and amounts differ. */
function amountOf(n: number): number {
  const size = 1 + ((n * 37) % 1000);
  return n % 3 === 2 ? -size : size;
}

/**
 * Checks the file over all its rows: the count, and the difference of the balances from the running sum of the
 * amounts.
 */
export function historyBooks(db: DatabaseSync): { readonly payments: number; readonly sum: string } {
  const { tenant, account } = history;
  const found = db
    .prepare(
      `SELECT COUNT(*) AS entries, SUM(amount) - (SELECT posted FROM ${tables.accounts} WHERE id = ?) AS lacking
        FROM ${tables.entries} WHERE account = ? AND tenant = ?`,
    )
    .get(account, account, tenant);
  return { payments: Number(found?.entries), sum: String(found?.lacking) };
}

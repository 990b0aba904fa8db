import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectSqlite, idOf, openSqlite } from "ledger-core/sql";
import { migrateModels } from "projection-workers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bookedAt, fillHistory, history, historyBooks, openHistory } from "./rows.ts";

const folder = mkdtempSync(join(tmpdir(), "payledger-bench-"));
const file = join(folder, "models.sqlite");
let db: ReturnType<typeof openSqlite>;

beforeAll(async () => {
  const models = connectSqlite({ file });
  await migrateModels(models);
  await models.destroy();
  db = openSqlite({ file });
  openHistory(db);
  fillHistory(db, 0, 100);
  fillHistory(db, 100, 333);
});
afterAll(() => {
  db.close();
  rmSync(folder, { recursive: true });
});

test("a history filled in steps holds every entry, and the account's balance is their sum", () => {
  expect(historyBooks(db)).toEqual({ payments: 333, sum: "0" });
});

test("every entry's balance is the previous one plus its amount, in the order of revisions and times", () => {
  const rows = db.prepare("SELECT revision, amount, balance, at FROM entries ORDER BY run, revision").all();
  let balance = 0n;
  for (const [n, row] of rows.entries()) {
    balance += BigInt(String(row.amount));
    expect(row).toMatchObject({ balance, at: BigInt(bookedAt(n)), revision: BigInt(1011 + n) });
  }
});

test("the checkpoint is at the last entry, and the account's id matches its row", () => {
  const last = db.prepare("SELECT MAX(revision) AS revision FROM entries").get();
  const checkpoint = db.prepare("SELECT revision FROM checkpoints WHERE projection = 'models'").get();
  expect(checkpoint?.revision).toBe(last?.revision);
  const row = db.prepare("SELECT opened_at, salt FROM accounts WHERE number = ?").get(history.number);
  expect(idOf("acct", Number(row?.opened_at), history.number, Number(row?.salt))).toBe(history.account);
});

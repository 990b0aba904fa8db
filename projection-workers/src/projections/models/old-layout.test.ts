import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { NO_REVISION } from "ledger-core";
import { connectSqlite, selectRows } from "ledger-core/sql";
import { openTestLog, randomHistory } from "ledger-core/testing";
import { expect, onTestFinished, test } from "vitest";
import { runProjection } from "../../consumer/consumer.ts";
import { appendAll, modelRows, quiet, testFolder } from "../../testing/stores.ts";
import { fileOf } from "../list.ts";

/** The served build of a file that the release before wrote: some of its tables, with a row in each. */
const oldFile = `
  PRAGMA journal_mode = WAL;
  CREATE TABLE model_migrations (name text NOT NULL, PRIMARY KEY (name)) WITHOUT ROWID;
  INSERT INTO model_migrations VALUES ('0001_read_models'), ('0002_exact_totals_and_owner_payments');
  CREATE TABLE checkpoints (projection text NOT NULL, version integer NOT NULL, shard integer NOT NULL,
    revision bigint NOT NULL, PRIMARY KEY (projection, version, shard)) WITHOUT ROWID;
  INSERT INTO checkpoints VALUES ('models', 2, 0, 41);
  CREATE TABLE model_versions (projection text NOT NULL, version integer NOT NULL, suffix text NOT NULL,
    PRIMARY KEY (projection)) WITHOUT ROWID;
  INSERT INTO model_versions VALUES ('models', 2, '_v2');
  CREATE TABLE accounts_v2 (id text NOT NULL, tenant text NOT NULL, owner text NOT NULL, posted bigint NOT NULL,
    PRIMARY KEY (id)) WITHOUT ROWID;
  CREATE INDEX accounts_v2_by_tenant_owner_id ON accounts_v2 (tenant, owner, id);
  INSERT INTO accounts_v2 VALUES ('acct_1', 'tenant-a', 'alice', 1);
  CREATE TABLE entries_v2 (account text NOT NULL, revision bigint NOT NULL, idx integer NOT NULL,
    booked_at bigint NOT NULL, PRIMARY KEY (account, booked_at, revision, idx)) WITHOUT ROWID;
  INSERT INTO entries_v2 VALUES ('acct_1', 7, 0, 1);
  CREATE TABLE owner_payments_v2 (tenant text NOT NULL, owner text NOT NULL, id text NOT NULL,
    PRIMARY KEY (tenant, owner, id)) WITHOUT ROWID;
  INSERT INTO owner_payments_v2 VALUES ('tenant-a', 'alice', 'pay_1');`;

const events = randomHistory(3, 120);

test("a file of the layout before is rebuilt from the log, and nothing of it stays", async () => {
  const folder = await testFolder();
  const old = join(folder, "old.sqlite");
  const database = new DatabaseSync(old);
  database.exec(oldFile);
  database.close();
  const { log } = await openTestLog();
  await appendAll(log, events);

  const [mended, fresh] = [await filled(old), await filled(join(folder, "fresh.sqlite"))];
  expect(mended.started).toBe(NO_REVISION);
  expect(mended.rows).toEqual(fresh.rows);
  expect(mended.tables.map((name) => name.replace("_v2", "")).sort()).toEqual(fresh.tables);

  async function filled(file: string) {
    const opened = await fileOf("models").open(file);
    onTestFinished(() => opened.close());
    const [models] = opened.projections;
    const started = await models?.use((_, store) => store.checkpoint(0));
    const abort = new AbortController();
    const onProgress = (_name: string, _shard: number, revision: number) => {
      if (revision === events.length - 1) abort.abort();
    };
    const options = { log, shard: 0, logger: quiet, signal: abort.signal, onProgress };
    await models?.use((projection, target) => runProjection({ ...options, projection, target }).finished);
    const db = connectSqlite({ file, readOnly: true });
    onTestFinished(() => db.destroy());
    const text = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
    const tables = (await selectRows<{ name: string }>(db, text)).map(({ name }) => name);
    return { started, tables, rows: await modelRows(db) };
  }
});

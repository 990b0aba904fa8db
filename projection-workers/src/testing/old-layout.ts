import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** The served build of a file written by version 0002: some of its tables, with a row in each. */
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

/** A payment graph of ids instead of numbers, with one edge. */
const oldViews = `
  PRAGMA journal_mode = WAL;
  CREATE TABLE view_builds (view TEXT PRIMARY KEY, version INTEGER NOT NULL, suffix TEXT NOT NULL) WITHOUT ROWID;
  INSERT INTO view_builds VALUES ('graph', 2, '_v2');
  CREATE TABLE view_checkpoints (view TEXT NOT NULL, version INTEGER NOT NULL, shard INTEGER NOT NULL,
    revision INTEGER NOT NULL, PRIMARY KEY (view, version, shard)) WITHOUT ROWID;
  INSERT INTO view_checkpoints VALUES ('graph', 2, 0, 41);
  CREATE TABLE graph_edges_v2 (payer TEXT NOT NULL, merchant TEXT NOT NULL, event TEXT NOT NULL,
    PRIMARY KEY (payer, merchant, event)) WITHOUT ROWID;
  INSERT INTO graph_edges_v2 VALUES ('acct_1', 'acct_2', 'evt_1');`;

/** Makes a file of read models in the layout of version 0002. */
export function makeOldLayout(path: string): void {
  execute(path, oldFile);
}

/** Makes the files of read models and of views in former layouts, under the names of the nth ones. */
export function makeOldLayouts(folder: string, nth = 1): void {
  const number = nth === 1 ? "" : `.${nth}`;
  makeOldLayout(join(folder, `models${number}.sqlite`));
  execute(join(folder, `views${number}.sqlite`), oldViews);
}

function execute(path: string, statements: string): void {
  const database = new DatabaseSync(path);
  database.exec(statements);
  database.close();
}

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import { openSqlite } from "../adapters/sqlite/node-sqlite.ts";
import { storeError, translateStoreErrors } from "./store-errors.ts";

test.each([
  [10, "store_unavailable", true],
  [266, "store_unavailable", true],
  [522, "store_damaged", false],
  [11, "store_damaged", false],
  [779, "store_damaged", false],
])(
  "SQLite's %i is %s: a file that ends too early is damaged, a disk that fails is tried again",
  (errcode, code, retryable) => {
    const error = Object.assign(new Error("disk I/O error"), { code: "ERR_SQLITE_ERROR", errcode });
    expect(storeError("read models", error)).toMatchObject({ code, retryable });
  },
);

test.each([
  "SELECT * FROM missing",
  "SELECT missing FROM t",
  "SELECT * FROM t INDEXED BY missing",
  "SELECT * FROM t INDEXED BY t_sparse WHERE key = 1",
  "INSERT INTO t (key, missing) VALUES (1, 2)",
  "INSERT INTO t (key, value) VALUES (1, 2) ON CONFLICT (value) DO UPDATE SET value = 3",
])("tables that a statement does not fit are damaged or of another program: %s", async (statement) => {
  const database = new DatabaseSync(":memory:");
  onTestFinished(() => database.close());
  database.exec("CREATE TABLE t (key PRIMARY KEY, value); CREATE INDEX t_sparse ON t (value) WHERE value IS NOT NULL");
  await expect(translateStoreErrors("read models", async () => database.prepare(statement))).rejects.toMatchObject({
    code: "incompatible",
  });
});

test("a file whose header names a format of the future is damaged", async () => {
  const folder = mkdtempSync(join(tmpdir(), "store-errors-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "models.sqlite");
  const database = new DatabaseSync(file);
  database.exec("CREATE TABLE t (key PRIMARY KEY)");
  const header = database.serialize();
  database.close();
  // The last byte of the schema format number; 1 to 4 are known.
  header[47] = 9;
  writeFileSync(file, header);
  await expect(translateStoreErrors("read models", async () => openSqlite({ file }))).rejects.toMatchObject({
    code: "store_damaged",
  });
});

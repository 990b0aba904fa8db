import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Knex } from "knex";
import { expect, onTestFinished, test } from "vitest";
import { selectRows } from "../../sql/rows.ts";
import { translateStoreErrors } from "../../sql/store-errors.ts";
import { sqlSuite } from "../../testing/sql-suite.ts";
import { connectSqlite } from "./node-sqlite.ts";

async function temporaryFile() {
  const folder = await mkdtemp(join(tmpdir(), "sqlite-"));
  return { file: join(folder, "store.sqlite"), remove: () => rm(folder, { recursive: true }) };
}

sqlSuite("SQLite", async () => {
  const { file, remove } = await temporaryFile();
  const db = connectSqlite({ file });
  const reader = connectSqlite({ file, readOnly: true });
  return {
    db,
    reader,
    dispose: async () => {
      await Promise.all([db.destroy(), reader.destroy()]);
      await remove();
    },
  };
});

async function openFile(options: { busyTimeoutMs?: number } = {}) {
  const { file, remove } = await temporaryFile();
  onTestFinished(remove);
  const db = connectSqlite({ file, ...options });
  onTestFinished(() => db.destroy());
  await db.raw("CREATE TABLE t (a bigint, b text)");
  return { file, db };
}

test("a reading connection writes nothing and makes no file", async () => {
  const { file } = await openFile();
  const reader = connectSqlite({ file, readOnly: true });
  onTestFinished(() => reader.destroy());
  const write = translateStoreErrors("store", () => reader.raw("INSERT INTO t VALUES (1, 'x')"));
  await expect(write).rejects.toMatchObject({ code: "store_unavailable" });
  const nowhere = connectSqlite({ file: `${file}.absent`, readOnly: true });
  onTestFinished(() => nowhere.destroy());
  await expect(translateStoreErrors("store", () => nowhere.raw("SELECT 1"))).rejects.toMatchObject({
    code: "store_unavailable",
  });
});

test("a writer blocked by another process's lock gets a retryable error", async () => {
  const { file, db } = await openFile();
  const other = connectSqlite({ file, busyTimeoutMs: 1 });
  onTestFinished(() => other.destroy());
  await db.transaction(async () => {
    const blocked = translateStoreErrors("store", () =>
      other.transaction((trx) => trx.raw("INSERT INTO t VALUES (1, 'x')")),
    );
    await expect(blocked).rejects.toMatchObject({ code: "store_unavailable", retryable: true });
  });
});

test("a full disk makes the store unavailable, and earlier data stays", async () => {
  const { db } = await openFile();
  await db.raw("INSERT INTO t VALUES (1, 'kept')");
  await db.raw("PRAGMA max_page_count = 8");
  const full = translateStoreErrors("store", () => db.raw("INSERT INTO t VALUES (2, ?)", ["x".repeat(100_000)]));
  await expect(full).rejects.toMatchObject({ code: "store_unavailable" });
  expect(await selectRows(db, "SELECT b FROM t")).toEqual([{ b: "kept" }]);
});

test("a file that is no database is refused as such", async () => {
  const { file, remove } = await temporaryFile();
  onTestFinished(remove);
  await writeFile(file, "this is not a database, but long enough to be taken for one ".repeat(40));
  const db = connectSqlite({ file });
  onTestFinished(() => db.destroy());
  await expect(translateStoreErrors("store", () => db.raw("SELECT 1"))).rejects.toMatchObject({
    code: "store_damaged",
  });
});

test("more statement texts than are kept ready still run", async () => {
  const { db } = await openFile();
  for (let n = 0; n < 1000; n++) await db.raw(`INSERT INTO t VALUES (?, 'n${n}')`, [n]);
  const [row] = await selectRows(db, "SELECT COUNT(*) AS n FROM t");
  expect({ ...row }).toEqual({ n: 1000n });
});

test("a value that is no column's is refused before it is written as something else", async () => {
  const { db } = await openFile();
  await expect(db.raw("INSERT INTO t VALUES (1, ?)", [{ a: 1 }])).rejects.toThrow(TypeError);
});

test("a transaction in another one is a part of it, and fails alone", async () => {
  const { db } = await openFile();
  const put = (trx: Knex, a: number) => trx.raw("INSERT INTO t VALUES (?, 'x')", [a]);
  await db.transaction(async (trx) => {
    await put(trx, 1);
    const part = trx.transaction(async (inner) => {
      await put(inner, 2);
      await inner.transaction((innermost) => put(innermost, 3));
      throw new Error("only this part");
    });
    await expect(part).rejects.toThrow("only this part");
    await trx.transaction((inner) => put(inner, 4));
  });
  expect((await selectRows(db, "SELECT a FROM t ORDER BY a")).map(({ a }) => a)).toEqual([1n, 4n]);
});

test("transactions at once run one after another, and a failed one leaves the connection to the next", async () => {
  const { db } = await openFile();
  const turns = [1, 2, 3].map((n) =>
    db.transaction(async (trx) => {
      const [row] = await selectRows<{ n: bigint }>(trx, "SELECT COUNT(*) AS n FROM t");
      await trx.raw("INSERT INTO t VALUES (?, 'x')", [n]);
      await trx.raw("INSERT INTO t VALUES (?, 'y')", [n]);
      if (n === 2) throw new Error("not this one");
      return Number(row?.n);
    }),
  );
  expect(await Promise.allSettled(turns)).toMatchObject([{ value: 0 }, { status: "rejected" }, { value: 2 }]);
});

test("after SQLite has rolled back by itself, the fault is told, not that there is nothing to roll back", async () => {
  const { db } = await openFile();
  const transaction = db.transaction(async (trx) => {
    await trx.raw("INSERT INTO t VALUES (1, 'x')");
    await trx.raw("ROLLBACK");
    throw new Error("the fault");
  });
  await expect(transaction).rejects.toThrow("the fault");
  await db.transaction((trx) => trx.raw("INSERT INTO t VALUES (2, 'x')"));
  expect((await selectRows(db, "SELECT a FROM t")).map(({ a }) => a)).toEqual([2n]);
});

test("a statement after the end of its transaction is refused: it would be a commit of its own", async () => {
  const { db } = await openFile();
  const over = await db.transaction(async (trx) => ({ trx }));
  await expect(over.trx.raw("INSERT INTO t VALUES (1, 'x')")).rejects.toThrow("before its end");
  await expect(over.trx.transaction((trx) => trx.raw("INSERT INTO t VALUES (1, 'x')"))).rejects.toThrow();
  expect(await selectRows(db, "SELECT a FROM t")).toEqual([]);
});

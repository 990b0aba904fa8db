import type { Knex } from "knex";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bindings, type SqlValue, selectRows, valueRows } from "../sql/rows.ts";
import { isMissingTable, translateStoreErrors } from "../sql/store-errors.ts";
import { createTable, insertRows, insertValues, type Table, updateColumn } from "../sql/table.ts";
import { inSnapshot, withMigrationLock } from "../sql/transactions.ts";

type Sample = { id: string; n: bigint; small: number; note: string | null; sum: bigint };

const samples: Table<Sample> = {
  name: "samples",
  columns: { id: "id", n: "bigint", small: "int", note: "name?", sum: "bigint" },
  key: ["id"],
  indexes: [["note", "id"]],
};

function sample(n: number, overrides: Partial<Sample> = {}): Sample {
  return { id: `s${String(n).padStart(6, "0")}`, n: BigInt(n), small: n % 100, note: null, sum: 1n, ...overrides };
}

/** An empty database: one connection that writes, and one that only reads. */
export type SqlUnderTest = { readonly db: Knex; readonly reader: Knex; dispose(): Promise<void> };

/** The behavior that our code relies on in both databases: `sqlSuite("SQLite", open)`. */
export function sqlSuite(name: string, open: () => Promise<SqlUnderTest>): void {
  describe(`SQL, ${name}`, () => {
    let store: SqlUnderTest;
    beforeAll(async () => {
      store = await open();
      await createTable(store.db, samples);
    });
    afterAll(() => store.dispose());
    const fresh = async (rows: readonly Sample[] = []) => {
      await store.db.raw("DELETE FROM samples");
      await insertRows(store.db, samples, "", rows);
      return store.db;
    };
    const all = () => selectRows<Sample>(store.reader, "SELECT * FROM samples ORDER BY id");

    test("BIGINT comes as bigint, INT as number, NULL as null, sums and counts as bigint", async () => {
      const rows = [
        sample(1, { n: 9_223_372_036_854_775_807n, note: "a" }),
        sample(2, { n: -9_223_372_036_854_775_808n, small: -2_147_483_648 }),
      ];
      const db = await fresh(rows);
      expect((await all()).map((row) => ({ ...row }))).toEqual(rows);
      const [sums] = await selectRows(db, "SELECT COUNT(*) AS many, SUM(sum) AS total, MAX(n) AS most FROM samples");
      expect({ ...sums }).toEqual({ many: 2n, total: 2n, most: 9_223_372_036_854_775_807n });
      expect(await db<Sample>("samples").where("note", "a").first("n", "small")).toMatchObject({ small: 1 });
    });

    test("text is compared and sorted by its bytes", async () => {
      await fresh([
        sample(1, { id: "a" }),
        sample(2, { id: "B" }),
        sample(3, { id: "A", note: "é" }),
        sample(4, { note: "e" }),
      ]);
      expect((await all()).map(({ id }) => id)).toEqual(["A", "B", "a", "s000004"]);
      expect(await selectRows(store.reader, "SELECT id FROM samples WHERE note = ?", ["e"])).toHaveLength(1);
    });

    test.each([1, 2, 63, 64, 65, 127, 1024, 1500])("%i rows go in, whatever statements they take", async (count) => {
      const rows = Array.from({ length: count }, (_, n) => sample(n));
      await fresh(rows);
      expect((await all()).map((row) => ({ ...row }))).toEqual(rows);
    });

    test.each([7, 400])("%i rows with characters of every kind come back as they were", async (count) => {
      const notes = ["\t", "\n\r", "\\", "\\N", "\0", "'\"", "商店 🏪", "", "é\\\tN", null];
      const rows = Array.from({ length: count }, (_, n) => sample(n, { note: notes[n % notes.length] ?? null }));
      await fresh(rows);
      expect((await all()).map((row) => ({ ...row }))).toEqual(rows);
    });

    test.each([
      ["a key twice", 0, sample(7).id],
      ["NULL where a value must be", 4, null],
    ])("of many rows with %s none goes in", async (_, column, value) => {
      const db = await fresh([sample(1)]);
      const values = Array.from({ length: 400 }, (_, n) => sample(n + 2)).flatMap(
        ({ id, n, small, note, sum }): SqlValue[] => [id, n, small, note, sum],
      );
      values[300 * 5 + column] = value;
      const work = () => db.transaction((trx) => insertValues(trx, samples, "", valueRows(values, 5)));
      await expect(translateStoreErrors("samples", work)).rejects.toMatchObject({ code: "poison_event" });
      expect(await all()).toHaveLength(1);
    });

    test("for an existing key, columns are replaced or added to, and others stay", async () => {
      const db = await fresh([sample(1, { note: "old", sum: 5n }), sample(2)]);
      const again = [sample(1, { n: 70n, note: "new", small: 9, sum: 6n }), sample(3)];
      await insertRows(db, samples, "", again, { replace: ["n"], add: ["sum"] });
      expect((await all()).map((row) => ({ ...row }))).toEqual([
        sample(1, { n: 70n, note: "old", sum: 11n }),
        sample(2),
        sample(3),
      ]);
    });

    test("one column of many rows is set by key; missing rows do not count, equal values do", async () => {
      const db = await fresh(Array.from({ length: 200 }, (_, n) => sample(n)));
      const values = new Map(Array.from({ length: 200 }, (_, n) => [sample(n).id, BigInt(n * 2)]));
      expect(await updateColumn(db, samples, "", "n", values)).toBe(200);
      expect(await updateColumn(db, samples, "", "n", values)).toBe(200);
      expect(
        await updateColumn(
          db,
          samples,
          "",
          "n",
          new Map([
            ["nobody", 1n],
            [sample(7).id, 1n],
          ]),
        ),
      ).toBe(1);
      expect((await all()).map(({ n }) => n)).toEqual(
        Array.from({ length: 200 }, (_, n) => (n === 7 ? 1n : BigInt(n * 2))),
      );
    });

    test("the store refuses a row with an existing key, or with NULL in a required column", async () => {
      const db = await fresh([sample(1)]);
      const twice = translateStoreErrors("samples", () => insertRows(db, samples, "", [sample(1)]));
      await expect(twice).rejects.toMatchObject({ code: "poison_event", retryable: false });
      const nothing = translateStoreErrors("samples", () =>
        db.raw("INSERT INTO samples (id, n, small, sum) VALUES ('x', 1, 1, NULL)"),
      );
      await expect(nothing).rejects.toMatchObject({ code: "poison_event" });
    });

    test("a missing table or column is distinguished from other faults", async () => {
      const missing = await store.db.raw("SELECT * FROM nowhere").catch((error: unknown) => error);
      expect(isMissingTable(missing)).toBe(true);
      const column = translateStoreErrors("samples", () => store.db.raw("SELECT colour FROM samples"));
      await expect(column).rejects.toMatchObject({ code: "incompatible" });
      const syntax = await translateStoreErrors("samples", () => store.db.raw("SELEC 1")).catch(
        (error: unknown) => error,
      );
      expect(isMissingTable(syntax)).toBe(false);
      expect(syntax).not.toHaveProperty("retryable");
    });

    test("an error does not contain the values that were written", async () => {
      const db = await fresh([sample(1)]);
      const twice = translateStoreErrors("samples", () =>
        insertRows(db, samples, "", [sample(1, { note: "4111111111111111" })]),
      );
      await expect(twice.catch((error: unknown) => String(error))).resolves.not.toContain("4111");
    });

    test("a transaction that fails leaves nothing", async () => {
      const db = await fresh();
      const failing = db.transaction(async (trx) => {
        await insertRows(trx, samples, "", [sample(1)]);
        throw new Error("in the middle");
      });
      await expect(failing).rejects.toThrow("in the middle");
      expect(await all()).toEqual([]);
    });

    test("a snapshot sees one moment while others commit", async () => {
      const db = await fresh([sample(1)]);
      await inSnapshot(store.reader, async (moment) => {
        expect(await selectRows(moment, "SELECT id FROM samples")).toHaveLength(1);
        await insertRows(db, samples, "", [sample(2)]);
        expect(await selectRows(moment, "SELECT id FROM samples")).toHaveLength(1);
      });
      expect(await all()).toHaveLength(2);
    });

    test("only one session at a time changes tables", async () => {
      const order: string[] = [];
      const turn = (who: string) =>
        withMigrationLock(store.db, "payledger_test", async (trx) => {
          order.push(`${who} begins`);
          await selectRows(trx, "SELECT 1 AS one WHERE 1 = ?", bindings([1]).length ? [1] : []);
          order.push(`${who} ends`);
        });
      await Promise.all([turn("a"), turn("b")]);
      expect(order).toHaveLength(4);
      expect(order[1]).toBe(order[0]?.replace("begins", "ends"));
    });
  });
}

import { NO_REVISION } from "ledger-core";
import { connectMysql, layoutSuffix, MODELS_LAYOUT, requireLayout, selectRows } from "ledger-core/sql";
import { findMariadb, type Mariadb, randomHistory, startMariadb } from "ledger-core/testing";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { readModels } from "../../projections/models/model.ts";
import { modelsProjection } from "../../projections/models/projection.ts";
import { completeLayout, dropOtherLayouts, migrateServer } from "./layouts.ts";
import { sqlStore } from "./store.ts";

const source = await findMariadb();
const history = randomHistory(2, 60);
const HALF = 30;
const end = history.length - 1;
const [NOW, NEXT] = [MODELS_LAYOUT, "9999_wider"];
const now = { ...readModels, name: "models" };
const next = { ...now, versions: [...now.versions, NEXT] };

describe.skipIf(source.kind === "none")(source.kind === "none" ? source.reason : "MariaDB", () => {
  let mariadb: Mariadb;
  beforeAll(async () => {
    mariadb = await startMariadb(source);
  });
  afterAll(() => mariadb.stop());

  async function database() {
    const db = connectMysql(await mariadb.createDatabase());
    onTestFinished(() => db.destroy());
    const store = (model: typeof now) => sqlStore({ db, reader: db }, model);
    const apply = (model: typeof now, after: number, upTo: number) =>
      store(model).apply(0, after, upTo, history.slice(after + 1, upTo + 1).flatMap(modelsProjection.project));
    const count = async (table: string) => Number((await selectRows(db, `SELECT COUNT(*) AS n FROM ${table}`))[0]?.n);
    return { db, store, apply, count };
  }

  test("a new layout is built beside the former one, which serves until it is dropped", async () => {
    const { db, store, apply, count } = await database();
    expect(await migrateServer(db, now, false)).toEqual({ layout: NOW, created: true, others: [] });
    expect(await migrateServer(db, now, false)).toEqual({ layout: NOW, created: false, others: [] });
    await apply(now, NO_REVISION, HALF);
    await completeLayout(db, now);
    const shown = await count("v_accounts");
    expect(shown).toBeGreaterThan(0);

    expect(await migrateServer(db, next, false)).toEqual({ layout: NEXT, created: true, others: [NOW] });
    expect(await requireLayout(db, NOW)).toEqual({ name: NOW, complete: 1 });
    expect(await requireLayout(db, NEXT)).toEqual({ name: NEXT, complete: 0 });
    expect([await store(next).checkpoint(0), await store(now).checkpoint(0)]).toEqual([NO_REVISION, HALF]);
    await expect(dropOtherLayouts(db, next)).rejects.toMatchObject({ code: "not_ready" });
    await apply(next, NO_REVISION, end);
    expect(await count("v_accounts")).toBe(shown);
    await apply(now, HALF, end);
    // The program of the former version migrates again, as at any restart of its own.
    expect(await migrateServer(db, now, false)).toEqual({ layout: NOW, created: false, others: [NEXT] });

    await completeLayout(db, next);
    expect(await count("v_entries")).toBe(await count(`entries${layoutSuffix(db, NEXT)}`));
    expect(await dropOtherLayouts(db, next)).toEqual([NOW]);
    expect(await dropOtherLayouts(db, next)).toEqual([]);
    const former = await selectRows(db, `SHOW TABLES LIKE '%${layoutSuffix(db, NOW)}%'`);
    expect(former).toEqual([]);
    expect(await store(next).checkpoint(0)).toBe(end);
    await expect(store(now).checkpoint(0)).rejects.toMatchObject({ code: "store_damaged" });
  });

  test("an empty, an older and a newer database are refused by name", async () => {
    const { db } = await database();
    await expect(requireLayout(db, NOW)).rejects.toThrow(/no tables of read models yet: run `ledger migrate`/);
    await migrateServer(db, now, true);
    await expect(requireLayout(db, NEXT)).rejects.toThrow(/earlier version, .*; .* 9999_wider/);
    await migrateServer(db, next, true);
    await dropOtherLayouts(db, next);
    const newer = /newer version changed the read models to 9999_wider, and lacks /;
    await expect(requireLayout(db, NOW)).rejects.toThrow(newer);
    await expect(migrateServer(db, now, false)).rejects.toThrow(newer);
  });

  test("of two migrations at once, one waits and finds the other's tables", async () => {
    const { db, store } = await database();
    const both = await Promise.all([migrateServer(db, now, false), migrateServer(db, now, false)]);
    expect(both.map(({ created }) => created).sort()).toEqual([false, true]);
    expect(await store(now).checkpoint(0)).toBe(NO_REVISION);
  });

  test("a migration that was interrupted is repeated as a whole", async () => {
    const { db, apply, store } = await database();
    await db.raw(`CREATE TABLE accounts${layoutSuffix(db, NOW)} (leftover int PRIMARY KEY)`);
    await migrateServer(db, now, false);
    await apply(now, NO_REVISION, end);
    await db.raw("DELETE FROM model_layouts");
    expect(await migrateServer(db, now, false)).toMatchObject({ created: true });
    expect(await store(now).checkpoint(0)).toBe(NO_REVISION);
    await apply(now, NO_REVISION, end);
  });
});

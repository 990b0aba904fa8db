import type { Knex } from "knex";
import { buildOf, entriesOf, NO_REVISION } from "ledger-core";
import { selectRows } from "ledger-core/sql";
import { openTestLog, projectionStoreSuite, randomHistory } from "ledger-core/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tableSuffix } from "../adapters/sql/model.ts";
import { runProjection } from "../consumer/consumer.ts";
import { migrateModels } from "../projections/list.ts";
import { makeReadModels, modelsStore, modelsTarget } from "../projections/models/model.ts";
import { modelsProjection } from "../projections/models/projection.ts";
import { rebuild } from "../rebuild/rebuild.ts";
import { accountIn, modelRowsSuite } from "./model-rows-suite.ts";
import { appendAll, modelRows, modelTables, quiet, servedModels } from "./stores.ts";

/** A store without tables: a writing and a reading connection, and the same two again after a restart. */
export type ModelStore = {
  readonly db: Knex;
  readonly reader: Knex;
  reopen(): Promise<Knex>;
  dispose(): Promise<void>;
};

const whole = randomHistory(1, 400);
/** Events applied to the models so far; the rest arrives later. */
const history = whole.slice(0, -40);
/** So short that the history spans several. */
const RUN = 64;
const model = makeReadModels(RUN);

/** The required behavior of the read models on any database; run for SQLite and for a real MariaDB. */
export function modelsSuite(name: string, open: () => Promise<ModelStore>): void {
  modelRowsSuite(name, open);
  projectionStoreSuite(
    `read models, ${name}`,
    {
      events: history.slice(0, 60).map((event) => modelsProjection.project(event)),
      poison: { kind: "status", account: 999_999, status: 1 },
    },
    async () => {
      const store = await open();
      await migrateModels(store.db);
      return {
        store: modelsStore(store, model),
        reopen: async () => modelsStore({ db: await store.reopen(), reader: store.reader }, model),
        dispose: store.dispose,
      };
    },
  );

  // On a server, layouts lie side by side: layouts.int.test.ts.
  const isFile = name === "SQLite";
  describe(`read models, ${name}`, () => {
    let store: ModelStore;
    beforeAll(async () => {
      store = await open();
      await migrateModels(store.db);
      await modelsTarget(store.db, model).apply(
        0,
        NO_REVISION,
        history.length - 1,
        history.flatMap(modelsProjection.project),
      );
    });
    afterAll(() => store.dispose());
    const table = (name: string, version: number) => name + tableSuffix(store.db, modelTables, buildOf(version));

    test("migrating again changes nothing", async () => {
      const before = await modelRows(store.db);
      await migrateModels(store.db);
      expect(await modelRows(store.db)).toEqual(before);
      expect(await servedModels(store.db)).toEqual({ version: 1, suffix: "" });
    });

    if (isFile) {
      test("tables that a newer program has changed are refused", async () => {
        const name = "9999_from_the_future";
        await store.db.raw("INSERT INTO model_migrations (name) VALUES (?)", [name]);
        await expect(migrateModels(store.db)).rejects.toMatchObject({ code: "incompatible" });
        await store.db.raw("DELETE FROM model_migrations WHERE name = ?", [name]);
      });

      test("models of the first release are emptied, to be rebuilt", async () => {
        const old = await open();
        try {
          await migrateModels(old.db);
          await modelsTarget(old.db, model).apply(
            0,
            NO_REVISION,
            history.length - 1,
            history.flatMap(modelsProjection.project),
          );
          const fresh = await modelRows(old.db);
          await old.db.raw("DROP TABLE accounts");
          await old.db.raw("CREATE TABLE accounts (id varchar(40) PRIMARY KEY, posted bigint)");
          await old.db.raw("CREATE TABLE owner_payments (tenant varchar(40), owner varchar(40), id varchar(40))");
          await old.db.raw("DELETE FROM model_migrations WHERE name LIKE '0003%'");
          await migrateModels(old.db);
          expect(await modelsTarget(old.db, model).checkpoint(0)).toBe(NO_REVISION);
          await modelsTarget(old.db, model).apply(
            0,
            NO_REVISION,
            history.length - 1,
            history.flatMap(modelsProjection.project),
          );
          expect(await modelRows(old.db)).toEqual(fresh);
          await expect(old.db.raw("SELECT 1 FROM owner_payments")).rejects.toThrow("owner_payments");
        } finally {
          await old.dispose();
        }
      });
    }

    test("a rebuild equals the live models row for row; a row changed by hand is found and mended", async () => {
      const { log } = await openTestLog();
      await appendAll(log, history);
      const options = { log, shards: [0], logger: quiet };
      const before = await modelRows(store.db);
      const models = modelsStore(store, model);
      const clean = await rebuild(modelsProjection, models, options);
      expect(clean).toMatchObject({
        version: 2,
        events: history.length,
        comparison: { differing: 0, differences: [] },
      });
      expect(await modelRows(store.db)).toEqual(before);

      const { number } = accountIn(history);
      await store.db.raw(`UPDATE ${table("accounts", 2)} SET salt = salt + 1 WHERE number = ${number}`);
      await store.db.raw(`DELETE FROM ${table("daily_totals", 2)} WHERE account = ${number}`);
      const { comparison } = await rebuild(modelsProjection, models, options);
      const { salt } = accountIn(history);
      expect(comparison.differences.find(({ table }) => table === "accounts")).toMatchObject({
        ...{ key: `${number}`, live: { salt: salt + 1 }, rebuilt: { salt } },
      });
      expect(comparison.differences.filter(({ table, live }) => table === "daily_totals" && live === null)).not.toEqual(
        [],
      );
      expect(await modelRows(store.db)).toEqual(before);
    });

    test("a rebuild that is given up or fails leaves the live build and nothing beside it", async () => {
      const { log } = await openTestLog();
      await appendAll(log, history);
      const before = await modelRows(store.db);
      const abort = new AbortController();
      const given = rebuild(modelsProjection, modelsStore(store, model), {
        ...{ log, shards: [0], logger: quiet, signal: abort.signal },
        onProgress: () => abort.abort(),
      });
      await expect(given).rejects.toMatchObject({ name: "AbortError" });
      expect(await modelRows(store.db)).toEqual(before);
      expect(await servedModels(store.db)).toEqual({ version: 3, suffix: "_v3" });
      await expect(store.db.raw(`SELECT 1 FROM ${table("accounts", 4)}`)).rejects.toThrow();
    });

    test("the live projection goes on in the build that a rebuild has switched to", async () => {
      const { log } = await openTestLog();
      await appendAll(log, history);
      const abort = new AbortController();
      const run = runProjection({
        ...{ log, shard: 0, projection: modelsProjection, target: modelsTarget(store.db, model) },
        ...{ signal: abort.signal, logger: quiet },
        onProgress: (_, __, revision) => {
          if (revision === whole.length - 1) abort.abort();
        },
      });
      const models = modelsStore(store, model);
      const { version } = await rebuild(modelsProjection, models, { log, shards: [0], logger: quiet });
      await appendAll(log, whole.slice(history.length));
      await run.finished;
      const served = await servedModels(store.db);
      expect(served.version).toBe(version);
      const rows = await selectRows(store.db, `SELECT revision FROM ${table("entries", version)}`);
      expect(rows.length).toBe(whole.flatMap(entriesOf).length);
      const { comparison } = await rebuild(modelsProjection, models, { log, shards: [0], logger: quiet });
      expect(comparison).toMatchObject({ differing: 0 });
    });
  });
}

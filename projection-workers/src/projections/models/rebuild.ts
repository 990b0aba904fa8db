import type { Knex } from "knex";
import { assert, LedgerError, type Shard } from "ledger-core";
import { inSnapshot, integrityFaults, onStore, type SqlValue, selectRows } from "ledger-core/sql";
import { type Build, buildOf } from "../../rebuild/build.ts";
import {
  COMPARED_AT_A_TIME,
  type ComparedTable,
  type Comparison,
  compareTables,
  type Row,
  type RowSource,
} from "../../rebuild/comparison.ts";
import type { NextBuild, Reach, RebuildableStore, ShadowBuild } from "../../rebuild/rebuild.ts";
import { readCheckpoint, serveBuild, servedBuild, storedVersions } from "./builds.ts";
import { buildTables, createBuild, dropBuild, migrateModels } from "./migrations.ts";
import { type ModelChange, modelsProjection } from "./projection.ts";
import { modelsTarget } from "./target.ts";

const { name } = modelsProjection;
const store = "read models";

/**
 * The read models, to be built again. `reader` is a connection that reads beside `db` and not through its transactions: a read-only
 * one to the same file for SQLite; for MySQL it may be `db`, if its pool has room for two.
 */
export function rebuildableModels(db: Knex, reader: Knex): RebuildableStore<ModelChange> {
  return { projection: modelsProjection, live: modelsTarget(db), begin: () => onStore(store, () => begin(db, reader)) };
}

async function begin(db: Knex, reader: Knex): Promise<NextBuild<ModelChange>> {
  const live = await servedBuild(db, name);
  for (const version of await storedVersions(db, name)) {
    if (version !== live.version) await dropBuild(db, buildOf(version));
  }
  const next = buildOf(live.version + 1);
  await dropBuild(db, next);
  await createBuild(db, next.suffix);
  const target = modelsTarget(db, next);
  return {
    version: next.version,
    target,
    compare: (shards, reach) => compareWithLive(reader, db, next, shards, reach),
    async serve(shards, reach) {
      await onStore(store, () =>
        db.transaction(async (trx) => {
          const served = await servedBuild(trx, name, "update");
          assert(served.version === live.version, "one rebuild at a time switches");
          const inside = modelsTarget(trx, next);
          for (const shard of shards) await reach(inside, shard, await readCheckpoint(trx, name, live, shard));
          await serveBuild(trx, name, next);
        }),
      );
      await onStore(store, () => dropBuild(db, live));
    },
    discard: () =>
      onStore(store, async () => {
        const served = await servedBuild(db, name);
        if (served.version !== next.version) await dropBuild(db, next);
      }),
  };
}

/**
 * A build of the models in a store of its own, to be compared with the live ones. `reader` only reads those; `scratch` is empty and thrown
 * away afterwards.
 */
export async function shadowModels(reader: Knex, scratch: Knex): Promise<ShadowBuild<ModelChange>> {
  await migrateModels(scratch);
  const build = await servedBuild(scratch, name);
  return {
    projection: modelsProjection,
    target: modelsTarget(scratch, build),
    checkpoint: (shard) =>
      onStore(store, async () => readCheckpoint(reader, name, await servedBuild(reader, name), shard)),
    compare: (shards, reach) => compareWithLive(reader, scratch, build, shards, reach),
    faults: () => onStore(store, () => integrityFaults(reader)),
  };
}

/** Compares a build with the live one as it is at one moment, at that moment's positions. */
async function compareWithLive(
  reader: Knex,
  db: Knex,
  build: Build,
  shards: readonly Shard[],
  reach: Reach<ModelChange>,
): Promise<Comparison> {
  const target = modelsTarget(db, build);
  return onStore(store, () =>
    inSnapshot(reader, async (moment) => {
      const live = await servedBuild(moment, name);
      const positions = [];
      for (const shard of shards) positions.push({ shard, revision: await readCheckpoint(moment, name, live, shard) });
      for (const { shard, revision } of positions) await reach(target, shard, revision);
      return compareTables(buildTables.map((table) => compared(table, moment, live, db, build)));
    }),
  );
}

/** What a comparison needs of a table, whatever its rows are. */
type ComparedShape = { readonly name: string; readonly key: readonly string[]; readonly columns: object };

function compared(table: ComparedShape, moment: Knex, live: Build, db: Knex, next: Build): ComparedTable {
  return {
    name: table.name,
    key: table.key,
    live: rowsOf(moment, table, live.suffix),
    rebuilt: rowsOf(db, table, next.suffix),
  };
}

function rowsOf(db: Knex, table: ComparedShape, suffix: string): RowSource {
  const columns = Object.keys(table.columns).map((column) => `\`${column}\``);
  const key = table.key.map((column) => `\`${column}\``).join(", ");
  return (after) => {
    const { text, values } = after ? beyond(table.key, after) : { text: "", values: [] };
    const sql = `SELECT ${columns.join(", ")} FROM \`${table.name}${suffix}\`${text} ORDER BY ${key} LIMIT ${COMPARED_AT_A_TIME}`;
    return selectRows<Row>(db, sql, values);
  };
}

/** The rows after a key, spelled out: MySQL finds no range in a comparison of row values. */
function beyond(key: readonly string[], after: Row): { text: string; values: SqlValue[] } {
  const values: SqlValue[] = [];
  const either = key.map((column, last) => {
    const equals = key.slice(0, last).map((earlier) => `\`${earlier}\` = ?`);
    values.push(...key.slice(0, last + 1).map((part) => keyValue(after[part])));
    return `(${[...equals, `\`${column}\` > ?`].join(" AND ")})`;
  });
  const [first] = key;
  assert(first !== undefined, "a table has a key");
  return { text: ` WHERE \`${first}\` >= ? AND (${either.join(" OR ")})`, values: [keyValue(after[first]), ...values] };
}

function keyValue(value: unknown): SqlValue {
  if (typeof value === "string" || typeof value === "number" || typeof value === "bigint") return value;
  throw new LedgerError("row_unreadable", "read models: a row's key holds what no key can");
}

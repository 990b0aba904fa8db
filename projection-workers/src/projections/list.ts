import type { Knex } from "knex";
import { assert } from "ledger-core";
import type { GremlinTarget, MysqlTarget } from "ledger-core/process";
import type { RedisConnection } from "ledger-core/redis";
import { connectMysql, mysqlConnection } from "ledger-core/sql";
import { openSqlFile, type SqlProjection, sqlFile, sqlProjection } from "../adapters/sql/file.ts";
import { dropOtherLayouts, type Migrated, migrateServer } from "../adapters/sql/layouts.ts";
import { migrate } from "../adapters/sql/migrations.ts";
import { openServerToRead, sqlServer } from "../adapters/sql/server.ts";
import { viewFile, viewProjection } from "../adapters/sqlite/file.ts";
import { paymentGraph } from "../adapters/sqlite/payment-graph.ts";
import { graphProjection } from "./graph/projection.ts";
import { makeReadModels, RUN_REVISIONS } from "./models/model.ts";
import type { StoreFile } from "./store-file.ts";
import { type StoreGroup, storeGroup } from "./store-group.ts";
import type { StoreServer } from "./store-server.ts";

/*
 * All projections. A new one needs its folder and a line here: rebuilds, verification, recovery, readiness, metrics and
 * the simulation use this list.
 */

const models = sqlProjection(makeReadModels());

/** Into SQL tables: one SQLite file when embedded, one database on MySQL. */
const sqlProjections = [models];

/** @param runRevisions how many revisions a run of entries has, if not as in production */
export function makeSqlProjections(runRevisions?: number): readonly SqlProjection[] {
  return [sqlProjection(makeReadModels(runRevisions))];
}

/** Into the embedded substitute for Gremlin. */
export const viewProjections = [viewProjection(paymentGraph)];

export const storeFiles: readonly StoreFile[] = [sqlFile("models", sqlProjections), viewFile("views", viewProjections)];

export const projectionNames: readonly string[] = storeFiles.flatMap(({ projections }) => projections);

/** The file that holds a projection. */
export function fileOf(projection: string): StoreFile {
  const file = storeFiles.find(({ projections }) => projections.includes(projection));
  assert(file, `${projection} is a projection`);
  return file;
}

/** The read models in a database on a server, for a worker of this many shards. */
export function modelsServer(target: MysqlTarget, shards: number): StoreServer {
  const pool = { min: 0, max: shards + 2 };
  return sqlServer(models, () => connectMysql(mysqlConnection(target, { pool })));
}

/** The payment graph on a Gremlin server. Its driver is loaded only here. */
export function graphServer(target: GremlinTarget): StoreServer {
  const name = graphProjection.name;
  const open = async () => (await import("../adapters/gremlin/server.ts")).openGraphServer(target);
  return { name, projections: [name], open };
}

/** The read models in databases on servers, by names for people, as stores to be compared with the log. */
export function modelsServers(servers: ReadonlyMap<string, MysqlTarget>): StoreGroup {
  const asOnServers = makeSqlProjections(RUN_REVISIONS.mysql);
  return storeGroup(
    asOnServers.map(({ registered }) => registered),
    [...servers].map(([name, target]) => ({ name, open: () => openServerToRead(models, target) })),
    (file) => openSqlFile(file, asOnServers, "scratch"),
  );
}

/** The payment graph on a Gremlin server, as a store to be compared with the log. */
export async function graphServerToCompare(name: string, target: GremlinTarget): Promise<StoreGroup> {
  return (await import("../adapters/gremlin/compared-graph.ts")).graphServerGroup(name, target);
}

/** Session views in Redis, as a store to be compared with the log. */
export async function sessionsToCompare(name: string, target: RedisConnection): Promise<StoreGroup> {
  return (await import("../adapters/redis/sessions-group.ts")).sessionsGroup(name, target);
}

/** Creates the tables of the read models in a database on a server, if they are not there. */
export function migrateServerModels(db: Knex): Promise<Migrated> {
  return migrateServer(db, models, false);
}

/** Drops the tables that other versions of the program have in a database on a server. */
export function dropOtherModels(db: Knex): Promise<readonly string[]> {
  return dropOtherLayouts(db, models);
}

/**
 * Migrates a SQL store to the tables of every SQL projection, and serves them at once.
 * @throws incompatible when a newer program has changed it
 */
export function migrateModels(db: Knex): Promise<void> {
  return migrate(db, sqlProjections);
}

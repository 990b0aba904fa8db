import type { Knex } from "knex";
import type { MysqlTarget } from "ledger-core/process";
import { connectMysql, mysqlConnection, requireLayout, translateStoreErrors } from "ledger-core/sql";
import type { Opened } from "../../projections/store-group.ts";
import type { StoreServer } from "../../projections/store-server.ts";
import type { SqlProjection } from "./file.ts";
import { completeLayout, layoutName } from "./layouts.ts";
import type { SqlConnections } from "./store.ts";

/**
 * A SQL projection in a database on a server, whose tables `ledger migrate` has made.
 * @param connect opens a pool with room for a transaction per shard and two more
 */
export function sqlServer(model: SqlProjection, connect: () => Knex): StoreServer {
  return {
    name: model.name,
    projections: [model.name],
    async open() {
      const db = connect();
      try {
        const layout = await translateStoreErrors("read models", () => requireLayout(db, layoutName(model)));
        const projected = model.registered.open({ db, reader: db });
        return {
          projections: [projected],
          rebuilding: layout.complete !== 1,
          complete: () => completeLayout(db, model),
          async close() {
            await projected.close();
            await db.destroy();
          },
        };
      } catch (error) {
        await db.destroy();
        throw error;
      }
    },
  };
}

/** @throws LedgerError store_unavailable, incompatible */
export async function openServerToRead(model: SqlProjection, target: MysqlTarget): Promise<Opened<SqlConnections>> {
  // One connection for the snapshot, and one for what is read beside it.
  const db = connectMysql(mysqlConnection(target, { pool: { min: 0, max: 2 } }));
  try {
    await translateStoreErrors("read models", () => requireLayout(db, layoutName(model)));
  } catch (error) {
    await db.destroy();
    throw error;
  }
  return { connection: { db, reader: db }, close: () => db.destroy() };
}

import { connectSqlite } from "ledger-core/sql";
import { type Registered, register } from "../../projections/registered.ts";
import { type OpenMode, type StoreFile, storeFile } from "../../projections/store-file.ts";
import type { Opened } from "../../projections/store-group.ts";
import { isOlderLayout, migrate } from "./migrations.ts";
import type { SqlModel, SqlTables } from "./model.ts";
import { type SqlConnections, sqlStore } from "./store.ts";

/** A SQL projection as an entry of the projections' list. */
export type SqlProjection = SqlTables & { readonly registered: Registered<SqlConnections> };

export function sqlProjection<Change>(model: SqlModel<Change>): SqlProjection {
  const { projection } = model;
  const registered = register(projection, (connections: SqlConnections) => sqlStore(connections, model));
  return { ...model, name: projection.name, registered };
}

/** SQL projections in one SQLite file: they share its one writing connection. */
export function sqlFile(name: string, models: readonly SqlProjection[]): StoreFile {
  const registered = models.map((model) => model.registered);
  const isOlder = async (path: string) => {
    const db = connectSqlite({ file: path, readOnly: true });
    // A file that cannot be read is reported when it is opened to be written.
    return isOlderLayout(db, models)
      .catch(() => false)
      .finally(() => db.destroy());
  };
  const opens = storeFile(name, registered, (path, mode) => openSqlFile(path, models, mode));
  return { ...opens, isOlder };
}

/** Opens SQL projections in a SQLite file. */
export async function openSqlFile(
  path: string,
  models: readonly SqlTables[],
  mode: OpenMode,
): Promise<Opened<SqlConnections>> {
  if (mode === "read") {
    const reader = connectSqlite({ file: path, readOnly: true });
    return { connection: { db: reader, reader }, close: () => reader.destroy() };
  }
  const db = connectSqlite({ file: path, ...(mode === "scratch" && { cacheMiB: 32 }) });
  const reader = connectSqlite({ file: path, readOnly: true });
  const close = async () => void (await Promise.all([db.destroy(), reader.destroy()]));
  try {
    await migrate(db, models);
  } catch (error) {
    await close();
    throw error;
  }
  return { connection: { db, reader }, close };
}

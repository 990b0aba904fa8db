import { openSqlite } from "ledger-core/sql";
import { type Registered, register } from "../../projections/registered.ts";
import { type StoreFile, storeFile } from "../../projections/store-file.ts";
import { openViewStore, type ViewFile, type ViewModel } from "./view-store.ts";
import { isOtherLayout, type ViewTables } from "./view-tables.ts";

/** A view as an entry of the projections' list. */
export type ViewProjection = ViewTables & { readonly registered: Registered<ViewFile> };

export function viewProjection<Change, Statements>(model: ViewModel<Change, Statements>): ViewProjection {
  const { projection, tables } = model;
  const registered = register(projection, (file: ViewFile) => openViewStore(model, file));
  return { name: projection.name, tables, registered };
}

/** Views in one SQLite file, each over a connection of its own. */
export function viewFile(name: string, views: readonly ViewProjection[]): StoreFile {
  const registered = views.map((view) => view.registered);
  const opens = storeFile(name, registered, async (file, mode) => ({
    connection: { file, readOnly: mode === "read" },
    close: async () => {},
  }));
  return { ...opens, isOlder: async (path) => isOlderFile(path, views) };
}

/** False for a file that cannot be read: that is reported when it is opened to be written. */
function isOlderFile(file: string, views: readonly ViewProjection[]): boolean {
  try {
    const database = openSqlite({ file, readOnly: true });
    try {
      return views.some((view) => isOtherLayout(database, view));
    } finally {
      database.close();
    }
  } catch {
    return false;
  }
}

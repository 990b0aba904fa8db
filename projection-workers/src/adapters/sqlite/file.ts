import { type Registered, register } from "../../projections/registered.ts";
import { type StoreFile, storeFile } from "../../projections/store-file.ts";
import { openViewStore, type ViewFile, type ViewModel } from "./view-store.ts";

/** A view as an entry of the projections' list. */
export function viewProjection<Change, Statements>(model: ViewModel<Change, Statements>): Registered<ViewFile> {
  return register(model.projection, (file: ViewFile) => openViewStore(model, file));
}

/** Views in one SQLite file, each over a connection of its own. */
export function viewFile(name: string, views: readonly Registered<ViewFile>[]): StoreFile {
  return storeFile(name, views, async (file, mode) => ({
    connection: { file, readOnly: mode === "read" },
    close: async () => {},
  }));
}

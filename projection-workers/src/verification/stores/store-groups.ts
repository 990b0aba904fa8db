import { dataPaths } from "ledger-core/process/data-paths";
import { newestStore } from "ledger-core/sql";
import { storeFiles } from "../../projections/list.ts";
import type { StoreGroup } from "../../projections/store-group.ts";
import { pathOf } from "../../running/keep-projections.ts";

const names: Readonly<Record<string, string>> = { models: "read models", views: "graph" };

/** The stores that projections write, by the services' settings. */
export function storeGroups(data: string): readonly StoreGroup[] {
  const { readModels } = dataPaths(data);
  return storeFiles.map((file) => file.group(names[file.name] ?? file.name, newestStore(pathOf(readModels, file))));
}

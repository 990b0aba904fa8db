import type { GoldTables } from "ledger-core";
import { openGoldFolder } from "../adapters/folder/gold-tables.ts";
import { makePseudonyms } from "../tables/pseudonyms.ts";
import type { GoldTarget } from "./settings.ts";

/** The tables in a folder, as plain data that may cross to another thread. */
export type GoldFolderData = { readonly folder: string; readonly key: string; readonly dataSet: string };

export function openGoldTables({ folder, key, dataSet }: GoldFolderData): GoldTables {
  return openGoldFolder({ folder, names: makePseudonyms(key, dataSet) });
}

/** The tables on a warehouse, whose client is loaded only here. */
export async function openGoldSchema(target: Extract<GoldTarget, { kind: "databricks" }>): Promise<GoldTables> {
  const { openGoldOnDatabricks } = await import("../adapters/databricks/open.ts");
  return openGoldOnDatabricks(target, makePseudonyms(target.key.reveal(), target.dataSet));
}

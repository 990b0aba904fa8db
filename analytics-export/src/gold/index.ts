import type { GoldTables } from "ledger-core";
import { openGoldFolder } from "../adapters/folder/gold-tables.ts";
import { makePseudonyms } from "../tables/pseudonyms.ts";

/** The tables in a folder, as plain data that may cross to another thread. */
export type GoldFolderData = { readonly folder: string; readonly key: string; readonly dataSet: string };

export function openGoldTables({ folder, key, dataSet }: GoldFolderData): GoldTables {
  return openGoldFolder({ folder, names: makePseudonyms(key, dataSet) });
}

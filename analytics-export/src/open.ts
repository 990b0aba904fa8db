import { randomUUID } from "node:crypto";
import { LedgerError } from "ledger-core";
import { folderLake } from "./adapters/folder/folder-lake.ts";
import type { Lake } from "./ports/lake.ts";
import type { ExportTarget } from "./settings.ts";
import { makePseudonyms, type Pseudonyms } from "./tables/pseudonyms.ts";

/** @throws LedgerError config when there is nothing to export to */
export function openExport(target: ExportTarget): { readonly lake: Lake; readonly names: Pseudonyms; everyMs: number } {
  if (target.kind === "none")
    throw new LedgerError("config", "EXPORT is none: set it to folder:<path>, where the tables are kept");
  const { place, key, dataSet, everyMs } = target;
  return { lake: folderLake(place.folder, randomUUID), names: makePseudonyms(key.reveal(), dataSet), everyMs };
}

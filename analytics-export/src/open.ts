import { randomUUID } from "node:crypto";
import { LedgerError } from "ledger-core";
import { folderLake } from "./adapters/folder/folder-lake.ts";
import type { Lake } from "./ports/lake.ts";
import type { ExportTarget, LakePlace } from "./settings.ts";
import { makePseudonyms, type Pseudonyms } from "./tables/pseudonyms.ts";

type OpenedExport = { readonly lake: Lake; readonly names: Pseudonyms; readonly everyMs: number };

/** @throws LedgerError config when there is nothing to export to */
export async function openExport(target: ExportTarget): Promise<OpenedExport> {
  if (target.kind === "none")
    throw new LedgerError("config", "EXPORT is none: set it to where the tables are kept, such as folder:<path>");
  const { place, key, dataSet, everyMs } = target;
  return { lake: await openLake(place), names: makePseudonyms(key.reveal(), dataSet), everyMs };
}

/** The driver is loaded only where it is used. */
export async function openLake(place: LakePlace): Promise<Lake> {
  if (place.kind === "folder") return folderLake(place.folder, randomUUID);
  const { openAzureLake } = await import("./adapters/azure/open.ts");
  return openAzureLake(place, randomUUID);
}

import { randomUUID } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { folderLake } from "../adapters/folder/folder-lake.ts";
import { readLog } from "../delta/log.ts";
import { readDataFile } from "../delta/rows.ts";
import type { Lake } from "../ports/lake.ts";
import { makePseudonyms } from "../tables/pseudonyms.ts";
import type { ExportTable } from "../tables/tables.ts";

/** The key of the tests' pseudonyms, and their data set. */
export const testKey = { key: "a key of at least 32 characters..", dataSet: "test" } as const;
export const names = makePseudonyms(testKey.key, testKey.dataSet);

/** An empty lake in a folder of its own. */
export function makeLakeFolder(): { readonly dir: string; open(): Lake; remove(): Promise<void> } {
  const dir = mkdtempSync(join(tmpdir(), "payledger-lake-"));
  return { dir, open: () => folderLake(dir, randomUUID), remove: () => rm(dir, { recursive: true, force: true }) };
}

/** Every row of a table as text, sorted. */
export async function rowsOf(lake: Lake, table: ExportTable): Promise<string[]> {
  const { snapshot } = await readLog(lake, table.name, { files: true });
  const files = await Promise.all([...snapshot.adds.values()].map((add) => readDataFile(lake, table, add)));
  return files
    .flat()
    .map((row) => row.map(String).join(" | "))
    .sort();
}

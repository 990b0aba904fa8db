import { readLog } from "../delta/log.ts";
import type { Lake, LakeFile } from "../ports/lake.ts";

/**
 * Data files of a table that no commit names: what a crash between a file and its commit has left. Files younger than
 * the limit may belong to a commit that is being made, or were merged and are still read.
 */
export async function unusedFiles(
  lake: Lake,
  table: string,
  { olderThanMs, nowMs }: { readonly olderThanMs: number; readonly nowMs: number },
): Promise<readonly LakeFile[]> {
  const before: LakeFile[] = [];
  for await (const file of lake.files(table))
    if (file.path.endsWith(".parquet") && !file.path.includes("/_delta_log/")) before.push(file);
  // Read after the files: a commit made meanwhile is known.
  const { snapshot } = await readLog(lake, table, { files: true });
  const young = Array.from(snapshot.removes.values()).filter(
    ({ deletionTimestamp }) => deletionTimestamp > nowMs - olderThanMs,
  );
  const named = [...snapshot.adds.keys(), ...young.map(({ path }) => path)];
  const used = new Set(named.map((path) => `${table}/${decodeURIComponent(path)}`));
  return before.filter(({ path, modifiedMs }) => !used.has(path) && nowMs - modifiedMs >= olderThanMs);
}

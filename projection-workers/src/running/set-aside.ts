import { existsSync, renameSync, rmSync } from "node:fs";
import { storeNames } from "ledger-core/sql";

/**
 * Renames a damaged file of a store for inspection, and deletes the file set aside before and the WAL files of missing
 * ones. `first`: the path of the store's first file.
 * @returns the new path; null if there was no file
 * @throws the operating system's error; the file is then unchanged
 */
export function setAside(first: string, damaged: string): string | null {
  if (!existsSync(damaged)) return null;
  const aside = `${damaged}.damaged`;
  renameSync(damaged, aside);
  const names = storeNames(first);
  const inUse = new Set(names.filter(({ ending }) => ending === "").map(({ number }) => number));
  for (const { path, number, ending } of names)
    if (path !== aside && (ending === ".damaged" || (ending !== "" && !inUse.has(number))))
      rmSync(path, { force: true });
  return aside;
}

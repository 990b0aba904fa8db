import { existsSync, renameSync, rmSync } from "node:fs";

const companions = ["-wal", "-shm"] as const;

/**
 * Renames a damaged SQLite file for inspection, replacing an earlier one, and deletes its WAL, which would damage the
 * next file of that name.
 * @returns the new path; null when there was no file
 * @throws the operating system's error; the file is then unchanged
 */
export function setAside(file: string): string | null {
  if (!existsSync(file)) return null;
  const aside = `${file}.damaged`;
  for (const name of [aside, ...companions.map((end) => aside + end)]) rmSync(name, { force: true });
  renameSync(file, aside);
  for (const end of companions) rmSync(file + end, { force: true });
  return aside;
}

import { existsSync, renameSync, rmSync } from "node:fs";

const companions = ["-wal", "-shm"] as const;

/**
 * Moves a damaged SQLite file out of the way, for inspection; of two the later one stays. Its journal goes with it:
 * applied to another file it would damage that. Null when there is none. @throws the operating system's error; the file
 * is then where it was
 */
export function setAside(file: string): string | null {
  if (!existsSync(file)) return null;
  const aside = `${file}.damaged`;
  for (const name of [aside, ...companions.map((end) => aside + end)]) rmSync(name, { force: true });
  renameSync(file, aside);
  for (const end of companions) rmSync(file + end, { force: true });
  return aside;
}

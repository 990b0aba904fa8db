import { existsSync, rmSync } from "node:fs";
import type { Logger } from "ledger-core/process";
import { olderStores } from "ledger-core/sql";
import type { StoreFile } from "../projections/store-file.ts";

/*
 * Read models of an earlier version stay until those in the new layout, in a separate file, have reached the log's end,
 * so that an upgrade may be interrupted or rolled back without loss.
 */

type FormerOptions = {
  readonly file: StoreFile;
  /** The path of the store's first file. */
  readonly first: string;
  readonly logger: Logger;
};

/** Whether a version with another layout made a file. */
export async function isFormer(file: StoreFile, path: string): Promise<boolean> {
  return existsSync(path) && (await file.isOlder(path));
}

/**
 * The files before `path`, if a version with another layout made one of them; while there are any, `path` may be
 * incomplete. After a way back to an earlier version, its own first file may be among them.
 */
export async function formerFiles({ file, first, logger }: FormerOptions, path: string): Promise<string[]> {
  const before = olderStores(first, path);
  const areFormer = await Promise.all(before.map((older) => isFormer(file, older)));
  const former = areFormer.includes(true) ? before : [];
  const told = { store: file.name, file: path, former };
  if (former.length > 0) logger.warn(told, "read models are built in a new layout; the former ones stay until then");
  return former;
}

export function removeFormer({ file, logger }: FormerOptions, former: readonly string[]): void {
  for (const path of former) for (const ending of ["", "-wal", "-shm"]) rmSync(path + ending, { force: true });
  logger.warn({ store: file.name, former }, "read models of the former layout are removed: the new ones are complete");
}

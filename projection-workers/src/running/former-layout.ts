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

/** Whether an earlier version made a file. */
export async function isFormer(file: StoreFile, path: string): Promise<boolean> {
  return existsSync(path) && (await file.isOlder?.(path)) === true;
}

/** The files before `path` made by an earlier version; while there are any, `path` may be incomplete. */
export async function formerFiles({ file, first, logger }: FormerOptions, path: string): Promise<string[]> {
  const former: string[] = [];
  for (const older of olderStores(first, path)) if (await isFormer(file, older)) former.push(older);
  const told = { store: file.name, file: path, former };
  if (former.length > 0) logger.warn(told, "read models are built in a new layout; the former ones stay until then");
  return former;
}

export function removeFormer({ file, logger }: FormerOptions, former: readonly string[]): void {
  for (const path of former) for (const ending of ["", "-wal", "-shm"]) rmSync(path + ending, { force: true });
  logger.warn({ store: file.name, former }, "read models of the former layout are removed: the new ones are complete");
}

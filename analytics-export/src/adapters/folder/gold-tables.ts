import { stat } from "node:fs/promises";
import { join } from "node:path";
import { type GoldQuery, type GoldRow, type GoldTables, goldTables, isLedgerError, LedgerError } from "ledger-core";
import { type Add, commitPath, PROTOCOL } from "../../delta/actions.ts";
import { type LogState, readLog, readOn } from "../../delta/log.ts";
import { goldRowOf, keyOf, pageOf } from "../../gold/rows.ts";
import type { Pseudonyms } from "../../tables/pseudonyms.ts";
import { folderLake } from "./folder-lake.ts";
import { openParquetFiles, type ParquetTuning } from "./parquet-files.ts";

export type GoldFolder = {
  /** The lake; the tables are in its folder `gold`. */
  readonly folder: string;
  readonly names: Pseudonyms;
  /** Each field states its default. */
  readonly tuning?: Partial<ParquetTuning>;
};

/** A table's log as of a commit, and what that commit's file was then. */
type Known = { readonly state: LogState; readonly commit: string };

/**
 * Reads gold tables from Delta files in a folder. What the log of a table says is kept until a commit follows; of the
 * data, only the footers of some files are.
 */
export function openGoldFolder({ folder, names, tuning = {} }: GoldFolder): GoldTables {
  const lake = folderLake(folder, () => "unused");
  const files = openParquetFiles(folder, tuning);
  const known = new Map<string, Known>();
  let work: Promise<unknown> = Promise.resolve();

  /** A state is played on in place: one at a time. */
  function current(path: string): Promise<LogState | undefined> {
    const result = work.then(() => refresh(path));
    work = result.catch(() => undefined);
    return result;
  }

  async function refresh(path: string): Promise<LogState | undefined> {
    const before = known.get(path);
    known.delete(path);
    // A table that was dropped and made again has other commits under the same names.
    const goesOn = before !== undefined && (await commitOf(path, before.state.version)) === before.commit;
    const state = goesOn ? before.state : await readLog(lake, path, { files: true });
    if (goesOn) await readOn(lake, path, state);
    if (state.version < 0) return undefined;
    state.snapshot.removes.clear();
    requirePlain(path, state);
    const commit = await commitOf(path, state.version);
    if (commit !== undefined) known.set(path, { state, commit });
    return state;
  }

  async function commitOf(path: string, version: number): Promise<string | undefined> {
    try {
      const { ino, size, mtimeMs } = await stat(join(folder, commitPath(path, version)));
      return `${ino} ${size} ${mtimeMs}`;
    } catch {
      return undefined;
    }
  }

  async function rowsOf(query: GoldQuery, again: boolean): Promise<readonly GoldRow[] | undefined> {
    const path = `gold/${query.table}`;
    const state = await current(path);
    if (!state) return undefined;
    const key = keyOf(query, names);
    const columns = Object.keys(goldTables[query.table].columns);
    const found: GoldRow[] = [];
    try {
      for (const add of [...state.snapshot.adds.values()].filter((one) => mayHold(one, key)))
        for (const row of await files.rows({ table: path, add, key, columns })) found.push(goldRowOf(query.table, row));
    } catch (error) {
      known.delete(path);
      // A newer version may have replaced the file, and removed it since.
      if (again && isLedgerError(error, "store_damaged")) return rowsOf(query, false);
      throw error;
    }
    return pageOf(found, query);
  }

  return {
    rows: (query) => rowsOf(query, true),
    pseudonymOf: async (account) => names.of("account", account),
    close: async () => undefined,
  };
}

/** @throws LedgerError incompatible for a table with features unknown here, such as deletion vectors */
function requirePlain(path: string, { snapshot: { protocol, metaData } }: LogState): void {
  if (!protocol || !metaData) throw new LedgerError("store_damaged", `the log of ${path} does not say what it is`);
  if (protocol.minReaderVersion <= PROTOCOL.minReaderVersion) return;
  const needs = `it demands reader version ${protocol.minReaderVersion} of the Delta protocol`;
  throw new LedgerError("incompatible", `table ${path} cannot be read: ${needs}; write it without table features`);
}

/** Whether a file may have rows of a key, by the values of its partition and its bounds in the log. */
function mayHold({ partitionValues, stats }: Add, key: Readonly<Record<string, string>>): boolean {
  const { minValues, maxValues } = boundsIn(stats);
  return Object.entries(key).every(([column, value]) => {
    const partition = partitionValues[column];
    if (partition !== undefined) return partition === value;
    const [min, max] = [minValues?.[column], maxValues?.[column]];
    return (typeof min !== "string" || min <= value) && (typeof max !== "string" || value <= max);
  });
}

type Bounds = Partial<Record<"minValues" | "maxValues", Readonly<Record<string, unknown>>>>;

function boundsIn(stats: string | undefined): Bounds {
  try {
    const bounds: Bounds | null = JSON.parse(stats ?? "{}");
    return bounds ?? {};
  } catch {
    return {};
  }
}

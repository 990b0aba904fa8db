import { type Build, buildOf, LedgerError } from "ledger-core";

/**
 * The builds that have any of these tables.
 * @param stems the names that the tables of a first build have
 */
export function buildsWithTables(names: Iterable<string>, stems: readonly string[]): readonly Build[] {
  const versions = new Set<number>();
  for (const name of names)
    for (const stem of stems) {
      const version = name === stem ? 1 : name.startsWith(`${stem}_v`) ? Number(name.slice(stem.length + 2)) : 0;
      if (version >= 1 && buildOf(version).suffix === name.slice(stem.length)) versions.add(version);
    }
  return [...versions].sort((one, other) => one - other).map(buildOf);
}

/** Runs work alone, in a store that no other process writes. */
export function aloneInProcess(store: string) {
  let busy = false;
  return async <Result>(work: (lost: AbortSignal) => Promise<Result>): Promise<Result> => {
    if (busy) throw rebuildUnderWay(store);
    busy = true;
    try {
      return await work(new AbortController().signal);
    } finally {
      busy = false;
    }
  };
}

export function rebuildUnderWay(store: string): LedgerError {
  return new LedgerError("not_ready", `${store}: another rebuild is under way`, { retryable: true });
}

import type { GoldFolderData } from "analytics-export/gold";
import type { GoldTarget } from "analytics-export/gold-settings";
import { type GoldTables, isLedgerError, LedgerError } from "ledger-core";

/** The tables where a setting says; undefined for none. What reads them is loaded at their first use. */
export function openGold(target: GoldTarget): GoldTables | undefined {
  if (target.kind === "none") return undefined;
  if (target.kind === "databricks")
    return openWhenRead(async () => (await import("analytics-export/gold")).openGoldSchema(target));
  const folder = goldFolderOf(target);
  return folder && openWhenRead(async () => (await import("analytics-export/gold")).openGoldTables(folder));
}

/** The tables in a folder as data that may cross to a thread; undefined for any others. */
export function goldFolderOf(target: GoldTarget): GoldFolderData | undefined {
  if (target.kind !== "folder") return undefined;
  return { folder: target.folder, key: target.key.reveal(), dataSet: target.dataSet };
}

/** Tables that are opened by the first query, and again after a failure to open them. */
export function openWhenRead(open: () => Promise<GoldTables>): GoldTables {
  let opened: Promise<GoldTables> | undefined;
  const tables = (): Promise<GoldTables> => {
    opened ??= open().catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  };
  return {
    rows: async (query) => (await tables()).rows(query),
    pseudonymOf: async (account) => (await tables()).pseudonymOf(account),
    close: async () => void (await (await opened)?.close()),
  };
}

/**
 * Runs a read of gold tables. They are not ours to rebuild: whatever is wrong with them, they are not available.
 * @throws LedgerError store_unavailable
 */
export async function readingGold<Result>(read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    if (!isLedgerError(error) || error.code === "store_unavailable") throw error;
    throw new LedgerError("store_unavailable", `gold tables: ${error.message}`, { retryable: true, cause: error });
  }
}

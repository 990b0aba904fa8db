import { isLedgerError, LedgerError } from "ledger-core";
import type { StoreName } from "./query.ts";

/** `store_damaged`: the file cannot be read; `row_unreadable`: a row of it holds what no projection wrote. */
export type DamageCode = "store_damaged" | "row_unreadable";

/** A store that has to be built anew before it can be trusted, met by a query. */
export class StoreDamage extends LedgerError {
  readonly store: StoreName;

  constructor(store: StoreName, code: DamageCode, message: string, cause?: unknown) {
    super(code, message, { retryable: true, cause });
    this.name = "StoreDamage";
    this.store = store;
  }
}

/**
 * Runs a read of one store, whose damage then carries the store's name. A store without its tables is not there yet.
 * @throws StoreDamage, LedgerError store_unavailable
 */
export async function readingOf<Result>(store: StoreName, read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    if (!isLedgerError(error)) throw error;
    const { code, message } = error;
    if (code === "store_damaged" || code === "row_unreadable") throw new StoreDamage(store, code, message, error);
    if (code === "incompatible") throw new LedgerError("store_unavailable", message, { cause: error });
    throw error;
  }
}

import { isLedgerError, LedgerError } from "ledger-core";
import type { StoreName } from "./query.ts";

/** `store_damaged`: the file cannot be read; `row_unreadable`: a row holds values that no projection wrote. */
export type DamageCode = "store_damaged" | "row_unreadable";

/** A query found that a store must be rebuilt before it can be trusted. */
export class StoreDamage extends LedgerError {
  readonly store: StoreName;

  constructor(store: StoreName, code: DamageCode, message: string, cause?: unknown) {
    super(code, message, { retryable: true, cause });
    this.name = "StoreDamage";
    this.store = store;
  }
}

/**
 * Runs a read of one store and names the store in damage errors. Missing tables count as not available yet.
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

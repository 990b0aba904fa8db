import { isLedgerError } from "ledger-core";

/** A store that is opened on first use, and again after it failed or was closed. */
type Reopenable<Store> = {
  /** @throws whatever opening or the work throws */
  use<Result>(work: (store: Store) => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
};

export function reopenable<Store extends { close(): Promise<void> }>(open: () => Store): Reopenable<Store> {
  let opened: Store | undefined;
  async function close(): Promise<void> {
    const store = opened;
    opened = undefined;
    await store?.close();
  }
  return {
    async use(work) {
      opened ??= open();
      try {
        return await work(opened);
      } catch (error) {
        // The file may have been replaced.
        if (isLedgerError(error)) await close();
        throw error;
      }
    },
    close,
  };
}

import type { OpenedFile } from "./store-file.ts";

/** Projections in a server that other processes share: it is opened again after faults, and never set aside. */
export type StoreServer = {
  readonly name: string;
  /** The names of its projections. */
  readonly projections: readonly string[];
  /** @throws LedgerError store_unavailable; incompatible when its tables are not those of this program */
  open(): Promise<OpenedServer>;
};

export type OpenedServer = OpenedFile & {
  /** Whether it was incomplete, so that no query reads it, when it was opened. */
  readonly rebuilding: boolean;
  /** Lets queries read it: every projection has reached the end that the log had. */
  complete(): Promise<void>;
};

import { decide } from "ledger-core";
import { DecisionState, type DecisionStateOptions } from "../state/decision-state.ts";
import { discardStateFile, dropDamaged, openStateFile, type StateFile } from "../state/state-file.ts";
import type { StateLayout } from "../state/state-root.ts";

/**
 * The replaceable parts of a writer, besides the log and the runtime. The simulator replaces them with a disk that
 * loses data, and with planted bugs that its auditor must find.
 */
export type WriterSeams = {
  readonly decide: typeof decide;
  openStateFile(file: string, layout?: Partial<StateLayout>): StateFile;
  discardStateFile(file: string, keep: boolean): string | undefined;
  dropDamaged(file: string): void;
  openState(options: DecisionStateOptions): DecisionState;
};

export const writerSeams: WriterSeams = {
  decide,
  openStateFile,
  discardStateFile,
  dropDamaged,
  openState: (options) => new DecisionState(options),
};

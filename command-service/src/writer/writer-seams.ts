import { decide } from "ledger-core";
import { DecisionState, type DecisionStateOptions } from "../state/decision-state.ts";
import { discardStateFile, dropDamaged, openStateFile, type StateFile } from "../state/state-file.ts";
import type { StateLayout } from "../state/state-root.ts";

/**
 * What a writer is made of apart from the log and the runtime. There is one set of them; the simulator puts in a disk that can be lost,
 * and parts with a planted fault to see that the fault is found.
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

import { decide } from "ledger-core";
import { DecisionState, type DecisionStateOptions } from "./state/decision-state.ts";
import { discardStateFile, openStateFile, type StateFile } from "./state/state-file.ts";

/**
 * What a writer is made of apart from the log and the runtime. There is one set of them; the simulator puts in a disk that can be lost,
 * and parts with a planted fault to see that the fault is found.
 */
export type WriterParts = {
  readonly decide: typeof decide;
  openStateFile(file: string, onDiscarded: (why: string) => void): StateFile;
  discardStateFile(file: string): void;
  openState(options: DecisionStateOptions): DecisionState;
};

export const writerParts: WriterParts = {
  decide,
  openStateFile,
  discardStateFile,
  openState: (options) => new DecisionState(options),
};

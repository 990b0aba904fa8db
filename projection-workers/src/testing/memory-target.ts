import { LedgerError, NO_REVISION, type ProjectionTarget, type Revision, type Shard } from "ledger-core";

/** A fault of the next `apply`; `after` applies first and then fails. */
export type PlannedFault = { readonly error: unknown; readonly applied: "before" | "after" };

export type MemoryTarget<Change> = ProjectionTarget<Change> & {
  /** Everything applied; a change applied twice appears twice. */
  readonly applied: Change[];
  /** Faults of the next calls, in order. */
  readonly faults: PlannedFault[];
};

/**
 * A target that keeps its changes, refuses those it is told to, and fails as planned.
 * @param prepares whether batches are prepared while another one is applied, as for a server
 */
export function memoryTarget<Change>(
  refuses: (change: Change) => boolean = () => false,
  prepares = false,
): MemoryTarget<Change> {
  const checkpoints = new Map<Shard, Revision>();
  const applied: Change[] = [];
  const faults: PlannedFault[] = [];
  const checkpointOf = (shard: Shard) => checkpoints.get(shard) ?? NO_REVISION;
  return {
    applied,
    faults,
    ...(prepares && { prepare: () => undefined }),
    checkpoint: async (shard) => checkpointOf(shard),
    async apply(shard, after, upTo, changes) {
      const fault = faults.shift();
      if (fault?.applied === "before") throw fault.error;
      if (checkpointOf(shard) !== after) throw new LedgerError("revision_gap", "not there");
      if (changes.some(refuses)) throw new LedgerError("poison_event", "cannot be applied");
      applied.push(...changes);
      checkpoints.set(shard, upTo);
      if (fault) throw fault.error;
    },
  };
}

import { LedgerError, NO_REVISION, type ProjectionTarget, type Revision, type Shard } from "ledger-core";

/** What the next `apply` does instead of succeeding; `after` applies first and then reports the fault. */
export type PlannedFault = { readonly error: unknown; readonly applied: "before" | "after" };

export type MemoryTarget<Change> = ProjectionTarget<Change> & {
  /** What was applied, each change once for each time. */
  readonly applied: Change[];
  /** Faults of the next applications, in order. */
  readonly faults: PlannedFault[];
};

/** A target that keeps what it is given, refuses what it is told to, and fails as planned. */
export function memoryTarget<Change>(refuses: (change: Change) => boolean = () => false): MemoryTarget<Change> {
  const checkpoints = new Map<Shard, Revision>();
  const applied: Change[] = [];
  const faults: PlannedFault[] = [];
  const checkpointOf = (shard: Shard) => checkpoints.get(shard) ?? NO_REVISION;
  return {
    applied,
    faults,
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

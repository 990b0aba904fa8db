import { LedgerError, type ProjectionTarget, type Revision } from "ledger-core";
import { mustHold } from "../auditor/violation.ts";
import type { Faults } from "../faults.ts";
import type { Random } from "../random.ts";
import type { Scheduler } from "../scheduler.ts";

type TargetOptions = {
  readonly name: string;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly faults: Faults;
  /** Kills the projector's process. */
  readonly crash: () => void;
  /** The first revision that this projection currently cannot apply, if any. */
  readonly poisoned: () => Revision | undefined;
  readonly head: () => Revision;
  readonly onViolation: (violation: unknown) => void;
};

/**
 * An in-memory store as a projector sees it: it may be unavailable, before or after it applied a batch, and the process
 * may die before, after and in between.
 */
export function frailTarget<Change>(
  target: ProjectionTarget<Change>,
  { name, scheduler, random, faults, crash, poisoned, head, onViolation }: TargetOptions,
): ProjectionTarget<Change> {
  function inspect(after: Revision, upTo: Revision): void {
    try {
      const poison = poisoned();
      mustHold(upTo <= head(), "7 effect once", () => `${name} applies ${upTo} of a log that ends at ${head()}`);
      mustHold(upTo > after, "7 effect once", () => `${name} goes from ${after} to ${upTo}`);
      const skipped = poison !== undefined && upTo >= poison;
      mustHold(!skipped, "10 poison stops", () => `${name} passes the poison event ${poison} and is at ${upTo}`);
    } catch (violation) {
      onViolation(violation);
    }
  }
  const away = () => new LedgerError("store_unavailable", `${name} cannot be reached`, { retryable: true });
  const never = new Promise<never>(() => {});

  return {
    checkpoint: async (shard) => {
      if (faults.strikes("store_away", 0.05)) throw away();
      return scheduler.settled(target.checkpoint(shard));
    },
    async apply(shard, after, upTo, changes) {
      inspect(after, upTo);
      const dies = faults.strikes("projector_crash", 0.04);
      const fails = faults.strikes("store_away", 0.04);
      const first = (dies || fails) && random.chance(0.5);
      if (!first) await scheduler.settled(target.apply(shard, after, upTo, changes));
      if (dies) {
        crash();
        await never;
      }
      if (fails) throw away();
    },
  };
}

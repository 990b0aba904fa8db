import { type LedgerEvent, NO_REVISION, type Revision } from "ledger-core";
import { modelsProjection } from "projection-workers";
import type { Faults } from "../faults.ts";
import type { Random } from "../random.ts";
import type { Scheduler } from "../scheduler.ts";
import type { SimulatedStores } from "./stores.ts";

export type ReplicaOptions = {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly faults: Faults;
  readonly stores: Pick<SimulatedStores, "models" | "replica" | "target">;
  readonly events: readonly LedgerEvent[];
};

/** Keeps a copy of the models some way behind the primary: transaction by transaction, as a replica does. */
export function followPrimary(options: ReplicaOptions): { start(): void; revision(): Revision } {
  const { scheduler, random, faults, stores, events } = options;
  const primary = stores.target(stores.models);
  const replica = stores.target(stores.replica);
  let at: Revision = NO_REVISION;

  async function catchUp(): Promise<void> {
    const upTo = await primary.checkpoint(0);
    if (upTo <= at) return;
    await replica.apply(0, at, upTo, events.slice(at + 1, upTo + 1).flatMap(modelsProjection.project));
    at = upTo;
  }

  function loop(): void {
    const usual = faults.healed ? 500_000 : random.between(5_000, 120_000);
    const lag = faults.strikes("replica_lag", 0.2) ? random.between(500_000, 4_000_000) : usual;
    scheduler.after(lag, null, async () => {
      await scheduler.settled(catchUp());
      loop();
    });
  }
  return { start: loop, revision: () => at };
}

import { type LedgerEvent, NO_REVISION, type Revision } from "ledger-core";
import type { Faults } from "../faults.ts";
import type { Random } from "../random.ts";
import type { Scheduler } from "../scheduler.ts";
import { applyUpTo, type SimulatedStores } from "./stores.ts";

type ReplicaOptions = {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly faults: Faults;
  readonly stores: Pick<SimulatedStores, "models" | "replica" | "sqlProjections">;
  readonly events: readonly LedgerEvent[];
};

/** Keeps a copy of every SQL projection that lags behind the primary, transaction by transaction, as a replica does. */
export function followPrimary(options: ReplicaOptions): { start(): void; revision(): Revision } {
  const { scheduler, random, faults, stores, events } = options;
  const primary = stores.sqlProjections(stores.models);
  const replica = stores.sqlProjections(stores.replica);
  const reached = new Map(replica.map(({ name }) => [name, NO_REVISION]));

  async function catchUp(): Promise<void> {
    for (const [n, copy] of replica.entries()) {
      const upTo = (await primary[n]?.use((_, store) => store.checkpoint(0))) ?? NO_REVISION;
      await applyUpTo(copy, events, upTo);
      reached.set(copy.name, upTo);
    }
  }

  function loop(): void {
    const usual = faults.healed ? 500_000 : random.between(5_000, 120_000);
    const lag = faults.strikes("replica_lag", 0.2) ? random.between(500_000, 4_000_000) : usual;
    scheduler.after(lag, null, async () => {
      await scheduler.settled(catchUp());
      loop();
    });
  }
  return { start: loop, revision: () => Math.min(...reached.values()) };
}

import type { Faults } from "../faults.ts";
import type { Plant } from "../plant.ts";
import type { Random } from "../random.ts";
import type { Owner, Scheduler } from "../scheduler.ts";
import type { Settings } from "../settings.ts";
import { type EventStore, type EventStoreOptions, makeEventStore } from "./event-store.ts";
import { connectStore } from "./store-connection.ts";
import { makeWriterProcess, type WriterProcess } from "./writer-process.ts";

/** Passed to every part of a world. */
export type Surroundings = {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly faults: Faults;
  readonly plant: Plant;
  readonly settings: Settings;
  readonly note: (who: string, what: string) => void;
  readonly onViolation: (violation: unknown) => void;
};

export type WriteSide = { readonly store: EventStore; readonly processes: readonly WriterProcess[] };

/** The log, and two machines on which its writer may run. */
export function makeWriteSide(
  surroundings: Surroundings,
  { onAppended, onRestart }: Pick<EventStoreOptions, "onAppended" | "onRestart">,
  onStopped: (owner: Owner) => void,
): WriteSide {
  const { scheduler, random, faults, plant, settings, note } = surroundings;
  const store = makeEventStore({
    scheduler,
    random: random.stream("store"),
    faults,
    onAppended,
    onRestart,
    syncsBeforeAnswering: plant.syncsBeforeAnswering,
    cutsTornBatches: plant.cutsTornBatches,
    awaitsReplicas: plant.awaitsReplicas,
    storeId: plant.storeId,
    note: (what) => note("log", what),
  });
  const processes = ["alpha", "beta"].map((name) =>
    makeWriterProcess({
      name,
      scheduler,
      random: random.stream(name),
      faults,
      connect: (owner) => {
        const link = { store, scheduler, random: random.stream(`${name} link`), faults, owner };
        return plant.log(connectStore({ ...link, note: (what) => note(name, what) }));
      },
      settings,
      plant,
      note,
      onStopped,
    }),
  );
  return { store, processes };
}

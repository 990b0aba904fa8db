import type { LedgerEvent, Revision } from "ledger-core";
import { viewTexts } from "ledger-core/sql";
import { projectionNames } from "projection-workers";
import type { Auditor } from "../auditor/auditor.ts";
import { mustHold } from "../auditor/violation.ts";
import { type Listeners, makeListeners } from "../listeners.ts";
import { processRuntime } from "../write-side/process-runtime.ts";
import { connectStore } from "../write-side/store-connection.ts";
import type { Surroundings, WriteSide } from "../write-side/write-side.ts";
import { compareStores } from "./comparison.ts";
import { openEdge } from "./edge.ts";
import { makeProjector, type Projector } from "./projector.ts";
import { makeReaders } from "./readers.ts";
import { followPrimary } from "./replica.ts";
import { openStores, routed, type SimulatedStores } from "./stores.ts";

export type SimulatedReadSide = {
  readonly projector: Projector;
  start(): void;
  /** The position of the slowest projection. */
  revision(): Revision;
  /** Checks that the projections equal the log, row by row. @throws Violation */
  compare(): Promise<void>;
  close(): Promise<void>;
};

/** Projections, a replica, the queries, and their readers. */
export async function makeReadSide(
  surroundings: Surroundings,
  { store }: WriteSide,
  auditor: Auditor,
): Promise<SimulatedReadSide> {
  const { scheduler, random, faults, plant, settings, onViolation } = surroundings;
  const note = (what: string) => surroundings.note("reads", what);
  const stores = await openStores(settings.models);
  for (const text of plant.views(viewTexts(stores.models, ""))) await stores.models.raw(text);
  const progress = makeListeners();
  const link = random.stream("projector link");
  const projector = makeProjector({
    scheduler,
    random: random.stream("projector"),
    faults,
    stores,
    connect: (owner) => connectStore({ store, scheduler, random: link, faults, owner, note }),
    runtime: (owner) => processRuntime(scheduler, link, owner, { clock: scheduler }),
    head: () => store.head(),
    plant,
    settings,
    onProgress: progress.call,
    onViolation,
    note: (what) => surroundings.note("projector", what),
  });
  const edge = await openQueries(surroundings, stores, progress);
  const events: readonly LedgerEvent[] = auditor.events;
  const replica = followPrimary({
    scheduler,
    random: random.stream("replica"),
    faults,
    stores,
    events,
  });
  const readers = makeReaders({
    scheduler,
    random: random.stream("readers"),
    faults,
    auditor,
    edge,
    plant,
    note,
    onViolation,
  });
  return {
    projector,
    start() {
      projector.start();
      replica.start();
      readers.start();
    },
    revision: () => Math.min(replica.revision(), ...projectionNames.map((name) => projector.revision(name))),
    async compare() {
      const differences = await compareStores(stores, auditor);
      mustHold(differences.length === 0, "6 projections are the log", () => differences.slice(0, 3).join("; "));
    },
    async close() {
      projector.close();
      await edge.close();
      await stores.close();
    },
  };
}

/** The queries, which read the models and the replica in turn. */
function openQueries(
  { scheduler, random, plant, settings }: Surroundings,
  stores: SimulatedStores,
  progress: Listeners,
) {
  const route = random.stream("route");
  const models = plant.models(
    routed(stores.models, stores.replica, () => route.chance(0.6)),
    stores,
  );
  return openEdge(stores, models, { scheduler, wake: progress.add, plant, settings });
}

import { NO_REVISION, type Projection, type ProjectionTarget, type Revision, type Runtime } from "ledger-core";
import type { EventLog, EventSource } from "ledger-core/event-log";
import { createLogger } from "ledger-core/process";
import { type ProjectionStatus, runProjection, shareReading } from "projection-workers";
import { mustHold } from "../auditor/violation.ts";
import type { Faults } from "../faults.ts";
import type { Plant } from "../plant.ts";
import type { Random } from "../random.ts";
import { makeOwner, type Owner, type Scheduler } from "../scheduler.ts";
import type { Settings } from "../settings.ts";
import { brokeredFeed } from "./feed.ts";
import type { SimulatedStores } from "./stores.ts";
import { frailTarget } from "./targets.ts";

/** The process that runs all projections, restarted whenever it dies. */
export type Projector = {
  start(): void;
  crash(): void;
  /** Starts a second one beside it, as a botched deployment would. */
  double(): void;
  /** Makes a projection fail on the event at a revision; undefined ends that. */
  poison(projection: string, revision: Revision | undefined): void;
  /** A projection's revision. */
  revision(projection: string): Revision;
  /** Ends everything that runs; a signal that has listeners and never aborts would be kept forever. */
  close(): void;
};

type ProjectorOptions = {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly faults: Faults;
  readonly stores: SimulatedStores;
  readonly connect: (owner: Owner) => EventLog;
  readonly runtime: (owner: Owner) => Runtime;
  readonly head: () => Revision;
  readonly plant: Plant;
  readonly settings: Settings;
  readonly onProgress: () => void;
  readonly onViolation: (violation: unknown) => void;
  readonly note: (what: string) => void;
};

const logger = createLogger({ level: "silent", name: "simulation" });

/** One incarnation; `reordered` tells whether it may halt. */
type Incarnation = { readonly owner: Owner; reordered: boolean };

/** Shared by the running projections of a projector. */
type Running = {
  readonly poisons: ReadonlyMap<string, Revision>;
  readonly revisions: Map<string, Revision>;
  readonly inspect: (incarnation: Incarnation, status: ProjectionStatus) => void;
  readonly fell: (incarnation: Incarnation) => void;
  readonly end: AbortSignal;
};

export function makeProjector(options: ProjectorOptions): Projector {
  const { scheduler, random, stores, note } = options;
  const poisons = new Map<string, Revision>();
  const incarnations: Incarnation[] = [];
  const revisions = new Map<string, Revision>();
  const end = new AbortController();
  const running: Running = { poisons, revisions, inspect, fell, end: end.signal };

  function launch(): void {
    const owner = makeOwner("projector");
    const incarnation: Incarnation = { owner, reordered: false };
    incarnations.push(incarnation);
    note("starts");
    scheduler.after(random.between(100, 5_000), owner, () => {
      const log = readingOf(incarnation);
      for (const projected of stores.projections)
        projected.use((projection, target) => run(options, running, { incarnation, log }, projection, target));
    });
  }

  /** The log as the projections of one process share it. */
  function readingOf(incarnation: Incarnation): EventSource {
    const { faults, plant, settings } = options;
    const { owner } = incarnation;
    const onReordered = () => {
      incarnation.reordered = true;
    };
    const feed = brokeredFeed(options.connect(owner), { scheduler, random, faults, owner, onReordered });
    return shareReading(plant.feed(feed), settings.reading, options.runtime(owner));
  }

  /** An operator restarts a halted projection; while the event is poison, it halts again. */
  function inspect(incarnation: Incarnation, status: ProjectionStatus): void {
    const { projection, state, reason, revision } = status;
    note(`${projection} is ${state} at ${revision}${reason === null ? "" : `: ${reason}`}`);
    if (state !== "halted") return;
    try {
      checkHalt(incarnation, status, poisons.get(projection));
    } catch (violation) {
      options.onViolation(violation);
    }
    scheduler.after(random.between(50_000, 400_000), incarnation.owner, () => fell(incarnation));
  }

  function fell(incarnation: Incarnation): void {
    if (!incarnation.owner.alive) return;
    note("crashes");
    scheduler.kill(incarnation.owner);
    incarnations.splice(incarnations.indexOf(incarnation), 1);
    if (incarnations.length === 0) scheduler.after(random.between(1_000, 300_000), null, launch);
  }

  return {
    start: launch,
    crash() {
      for (const incarnation of [...incarnations]) fell(incarnation);
    },
    double: launch,
    poison(projection, revision) {
      if (revision === undefined) poisons.delete(projection);
      else poisons.set(projection, revision);
    },
    revision: (projection) => revisions.get(projection) ?? NO_REVISION,
    close: () => end.abort(),
  };
}

function run<Change>(
  options: ProjectorOptions,
  { poisons, revisions, inspect, fell, end }: Running,
  { incarnation, log }: { readonly incarnation: Incarnation; readonly log: EventSource },
  projection: Projection<Change>,
  target: ProjectionTarget<Change>,
): void {
  const { scheduler, random, faults, plant, head, onViolation } = options;
  const { owner } = incarnation;
  const { name } = projection;
  const poisoned = () => poisons.get(name);
  const crash = () => fell(incarnation);
  const frailty = { name, scheduler, random, faults, crash, poisoned, head, onViolation };
  const started = runProjection<Change>({
    shard: 0,
    projection: plant.projection(poisonable(projection, poisoned)),
    target: frailTarget(plant.target(target, name), frailty),
    log,
    signal: end,
    logger,
    runtime: options.runtime(owner),
    ...options.settings.consumer,
    onProgress: (_projection, _shard, revision) => {
      if (!owner.alive) return;
      revisions.set(name, revision);
      options.onProgress();
    },
    onStatus: (status) => owner.alive && inspect(incarnation, status),
  });
  started.finished.catch(onViolation);
}

/** A projection may halt only for a poison event or a gap. */
function checkHalt(
  { reordered }: Incarnation,
  { projection, reason, revision }: ProjectionStatus,
  poison: Revision | undefined,
): void {
  const poisoned = poison !== undefined && revision === poison - 1 && reason?.startsWith("poison_event") === true;
  const gap = reordered && reason?.startsWith("revision_gap") === true;
  mustHold(poisoned || gap, "10 halts for a reason", () => `${projection} halted at ${revision}: ${reason}`);
}

function poisonable<Change>(projection: Projection<Change>, poisoned: () => Revision | undefined): Projection<Change> {
  const refuse = ({ revision }: { readonly revision: Revision }) => {
    if (revision === poisoned()) throw new RangeError("an event that this program cannot project");
  };
  return {
    ...projection,
    project(event) {
      refuse(event);
      return projection.project(event);
    },
    projectCharge(row) {
      refuse(row);
      return projection.projectCharge?.(row);
    },
  };
}

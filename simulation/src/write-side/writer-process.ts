import { openWriter, type Writer, type WriterSeams, writerSeams } from "command-service";
import { isLedgerError, type Runtime } from "ledger-core";
import type { EventLog } from "ledger-core/event-log";
import { mustHold } from "../auditor/violation.ts";
import type { Faults } from "../faults.ts";
import type { Plant } from "../plant.ts";
import type { Random } from "../random.ts";
import { makeOwner, type Owner, type Scheduler } from "../scheduler.ts";
import type { Settings } from "../settings.ts";
import { CollidingState } from "./colliding-state.ts";
import { type MachineClock, makeMachineClock } from "./machine-clock.ts";
import { processRuntime } from "./process-runtime.ts";
import { makeStateDisk, type StateDisk } from "./state-disk.ts";

/** A machine that runs one writer after another. */
export type WriterProcess = {
  readonly name: string;
  readonly writer: Writer | undefined;
  readonly owner: Owner;
  readonly queueMax: number;
  readonly queueBytesMax: number;
  /** The share of both that bulks may fill. */
  readonly bulkShare: number;
  readonly clock: MachineClock;
  readonly disk: StateDisk;
  start(): void;
  crash(): void;
  /** Stops in order, as on SIGTERM, and restarts. */
  stop(): void;
  /** Crashes and never restarts. */
  retire(): void;
};

type WriterProcessOptions = {
  readonly name: string;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly faults: Faults;
  readonly connect: (owner: Owner) => EventLog;
  readonly settings: Settings;
  readonly plant: Plant;
  readonly note: (who: string, what: string) => void;
  /** Called after an orderly stop. */
  readonly onStopped: (owner: Owner) => void;
};

/** Limits of a world that draws none. */
const QUEUE_MAX_DEFAULT = 20_000;
const QUEUE_BYTES_MAX_DEFAULT = 64 * 2 ** 20;
const BULK_SHARE_DEFAULT = 0.75;

/** A writer's machine; its disk outlives the writers that run on it. */
type Machine = {
  readonly options: WriterProcessOptions;
  readonly disk: StateDisk;
  readonly clock: MachineClock;
  readonly seams: WriterSeams;
  readonly note: (what: string) => void;
  owner: Owner;
  writer: Writer | undefined;
  retired: boolean;
};

export function makeWriterProcess(options: WriterProcessOptions): WriterProcess {
  const { name, scheduler, random, faults, settings } = options;
  const note = (what: string) => options.note(name, what);
  const disk = makeStateDisk({ random: random.stream("disk"), faults, settings, note });
  const owner = { ...makeOwner(name), alive: false };
  let later: Runtime["defer"] = () => {};
  const seams = seamsOf(options, disk, () => later);
  const clock = makeMachineClock(scheduler.now);
  const machine: Machine = { options, disk, clock, seams, note, owner, writer: undefined, retired: false };
  const crash = () => {
    if (!machine.owner.alive) return;
    note("crashes");
    down(machine);
  };
  return {
    name,
    get writer() {
      return machine.writer;
    },
    get owner() {
      return machine.owner;
    },
    queueMax: settings.writer.queueMax ?? QUEUE_MAX_DEFAULT,
    queueBytesMax: settings.writer.queueBytesMax ?? QUEUE_BYTES_MAX_DEFAULT,
    bulkShare: settings.writer.bulkShare ?? BULK_SHARE_DEFAULT,
    clock,
    disk,
    start: () => start(machine, (defer) => (later = defer)),
    crash,
    stop() {
      if (machine.owner.alive && !machine.writer) crash();
      else stop(machine, (defer) => (later = defer));
    },
    retire() {
      crash();
      machine.retired = true;
    },
  };
}

/** Starts a writer. `begun` gets the runtime's `defer`, which the disk uses. */
function start(machine: Machine, begun: (defer: Runtime["defer"]) => void): void {
  const { options, seams, disk, note } = machine;
  const { name, scheduler, random, plant } = options;
  if (machine.owner.alive || machine.retired) return;
  const incarnation = makeOwner(name);
  machine.owner = incarnation;
  note("starts");
  const runtime = plant.runtime(processRuntime(scheduler, random, incarnation, machine));
  scheduler.after(random.between(100, 2000), incarnation, async () => {
    begun(runtime.defer);
    try {
      const opened = await open(options, { incarnation, runtime, seams, disk });
      if (machine.owner === incarnation) machine.writer = plant.writer(opened);
      note("serves");
    } catch (error) {
      if (!isLedgerError(error)) throw error;
      note(`cannot start: ${error.code}`);
      down(machine);
      scheduler.after(random.between(5_000, 50_000), null, () => start(machine, begun));
    }
  });
}

function down(machine: Machine): void {
  machine.options.scheduler.kill(machine.owner);
  machine.writer = undefined;
  machine.disk.crash();
}

function stop(machine: Machine, begun: (defer: Runtime["defer"]) => void): void {
  const { options, note, writer, owner: incarnation } = machine;
  const { scheduler, random } = options;
  if (!incarnation.alive || !writer) return;
  note("stops");
  scheduler.after(0, incarnation, async () => {
    await writer.stop();
    options.onStopped(incarnation);
    if (machine.owner === incarnation) scheduler.kill(incarnation);
    machine.writer = undefined;
    note("has stopped");
    scheduler.after(random.between(1_000, 50_000), null, () => start(machine, begun));
  });
}

function seamsOf(
  { plant, random, faults }: WriterProcessOptions,
  disk: StateDisk,
  later: () => Runtime["defer"],
): WriterSeams {
  return plant.seams({
    ...writerSeams,
    openStateFile: () => disk.open(later()),
    discardStateFile() {
      disk.discard();
      return undefined;
    },
    dropDamaged() {},
    openState: (state) => new CollidingState(state, { random: random.stream("collisions"), faults }),
  });
}

type Opening = {
  readonly incarnation: Owner;
  readonly runtime: Runtime;
  readonly seams: WriterSeams;
  readonly disk: StateDisk;
};

function open(options: WriterProcessOptions, { incarnation, runtime, seams, disk }: Opening): Promise<Writer> {
  const { name, settings, plant } = options;
  const note = (what: string) => options.note(name, what);
  const eventBytesMax = plant.eventBytesMax(settings.writer.eventBytesMax);
  return openWriter({
    log: options.connect(incarnation),
    shard: 0,
    stateFile: name,
    runtime,
    seams,
    ...settings.writer,
    queueMax: plant.queueMax(settings.writer.queueMax ?? QUEUE_MAX_DEFAULT),
    ...(eventBytesMax === undefined ? {} : { eventBytesMax }),
    onReadiness: ({ detail }) => note(detail),
    onDiscarded({ why }) {
      note(`gives its state up: ${why}`);
      mustHold(disk.hurt, "21 rebuilt for a reason", () => `a sound state is given up: ${why}`);
    },
  });
}

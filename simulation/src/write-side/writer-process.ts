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

/** A machine on which a writer runs, again and again. */
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
  /** Stops in order, as on SIGTERM, and is started again. */
  stop(): void;
  /** Crashes and stays down for good. */
  retire(): void;
};

export type WriterProcessOptions = {
  readonly name: string;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly faults: Faults;
  readonly connect: (owner: Owner) => EventLog;
  readonly settings: Settings;
  readonly plant: Plant;
  readonly note: (who: string, what: string) => void;
  /** Told when it has stopped in order. */
  readonly onStopped: (owner: Owner) => void;
};

/** The bound of a world that does not draw one. */
const QUEUE_MAX_DEFAULT = 20_000;
const QUEUE_BYTES_MAX_DEFAULT = 64 * 2 ** 20;
const BULK_SHARE_DEFAULT = 0.75;

export function makeWriterProcess(options: WriterProcessOptions): WriterProcess {
  const { name, scheduler, random, faults, settings, plant } = options;
  const note = (what: string) => options.note(name, what);
  const disk = makeStateDisk({ random: random.stream("disk"), faults, settings, note });
  let owner = makeOwner(name);
  owner.alive = false;
  let writer: Writer | undefined;
  let retired = false;
  let later: Runtime["defer"] = () => {};

  const seams = seamsOf(options, disk, () => later);

  function start(): void {
    if (owner.alive || retired) return;
    const incarnation = makeOwner(name);
    owner = incarnation;
    note("starts");
    const runtime = plant.runtime(processRuntime(scheduler, random, incarnation, process));
    scheduler.after(random.between(100, 2000), incarnation, async () => {
      later = runtime.defer;
      try {
        const opened = await open(options, { incarnation, runtime, seams, disk });
        if (owner === incarnation) writer = plant.writer(opened);
        note("serves");
      } catch (error) {
        if (!isLedgerError(error)) throw error;
        note(`cannot start: ${error.code}`);
        down();
        scheduler.after(random.between(5_000, 50_000), null, start);
      }
    });
  }

  function down(): void {
    scheduler.kill(owner);
    writer = undefined;
    disk.crash();
  }

  const process: WriterProcess = {
    name,
    get writer() {
      return writer;
    },
    get owner() {
      return owner;
    },
    queueMax: settings.writer.queueMax ?? QUEUE_MAX_DEFAULT,
    queueBytesMax: settings.writer.queueBytesMax ?? QUEUE_BYTES_MAX_DEFAULT,
    bulkShare: settings.writer.bulkShare ?? BULK_SHARE_DEFAULT,
    clock: makeMachineClock(scheduler.now),
    disk,
    start,
    crash() {
      if (!owner.alive) return;
      note("crashes");
      down();
    },
    stop() {
      const stopping = writer;
      const incarnation = owner;
      if (!incarnation.alive) return;
      if (!stopping) return process.crash();
      note("stops");
      scheduler.after(0, incarnation, async () => {
        await stopping.stop();
        options.onStopped(incarnation);
        if (owner === incarnation) scheduler.kill(incarnation);
        writer = undefined;
        note("has stopped");
        scheduler.after(random.between(1_000, 50_000), null, start);
      });
    },
    retire() {
      process.crash();
      retired = true;
    },
  };
  return process;
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

import { projectionNames } from "projection-workers";
import type { Clients } from "./clients/clients.ts";
import { floodKinds } from "./clients/floods.ts";
import type { Faults } from "./faults.ts";
import type { Random } from "./random.ts";
import type { Projector } from "./read-side/projector.ts";
import type { Scheduler } from "./scheduler.ts";
import type { EventStore } from "./write-side/event-store.ts";
import type { DiskCondition } from "./write-side/state-disk.ts";
import type { WriterProcess } from "./write-side/writer-process.ts";

type NemesisOptions = {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly faults: Faults;
  readonly store: EventStore;
  readonly processes: readonly WriterProcess[];
  readonly clients: Clients;
  readonly projector: Projector;
  readonly note: (who: string, what: string) => void;
};

const diskTroubles = [
  ["full_state_disk", "full"],
  ["failing_state_disk", "failing"],
  ["slow_state_disk", "slow"],
] as const;
const HOUR_US = 3_600_000_000;

/** Injects faults into the world from time to time, until it heals. */
export function makeNemesis(options: NemesisOptions): { start(): void; heal(): void } {
  const { scheduler, random, faults, store, processes, clients, projector } = options;

  function strike(): void {
    if (faults.healed) return;
    const process = random.pick(processes);
    if (faults.strikes("writer_crash", 0.18)) process.crash();
    if (faults.strikes("writer_pause", 0.15)) pause(options, process);
    if (faults.strikes("second_writer", 0.15)) rival(options);
    if (faults.strikes("log_crash", 0.08)) store.crash();
    if (faults.strikes("disk_full", 0.1)) fillDisk(options);
    if (faults.strikes("clock_jump", 0.12)) jump(options, process);
    if (faults.strikes("clock_drift", 0.1)) drift(options, process);
    if (faults.strikes("wild_clock", 0.1)) runWild(options, process);
    for (const [kind, condition] of diskTroubles) if (faults.strikes(kind, 0.06)) trouble(options, process, condition);
    if (faults.strikes("damaged_state_file", 0.06)) process.disk.damage();
    if (faults.strikes("burst", 0.08)) clients.burst();
    for (const kind of floodKinds) if (faults.strikes(kind, 0.05)) clients.flood(kind);
    if (faults.strikes("writer_crash", 0.06)) process.stop();
    if (faults.strikes("projector_crash", 0.08)) projector.crash();
    if (faults.strikes("second_projector", 0.08)) projector.double();
    if (faults.strikes("poison_event", 0.08)) poison(options);
    scheduler.after(random.between(4_000, random.chance(0.05) ? 1_000_000 : 40_000), null, strike);
    supervise(options);
  }

  return {
    start: () => void scheduler.after(random.between(20_000, 100_000), null, strike),
    heal() {
      faults.heal();
      store.fill(false);
      for (const [index, process] of processes.entries()) {
        process.clock.driftPpm = 0;
        process.clock.offsetUs = 0;
        process.disk.condition = "sound";
        if (process.owner.paused) scheduler.resume(process.owner);
        if (index > 0) process.retire();
        else process.start();
      }
    },
  };
}

/** Restarts some writer whenever none runs. */
function supervise(options: NemesisOptions): void {
  const { scheduler, random, processes } = options;
  if (processes.some(({ owner }) => owner.alive)) return;
  const next = random.pick(processes);
  scheduler.after(random.between(0, 50_000), null, () => next.start());
}

function pause(options: NemesisOptions, process: WriterProcess): void {
  const { scheduler, random, note } = options;
  const { owner } = process;
  if (!owner.alive || owner.paused) return;
  note(process.name, "is paused");
  scheduler.pause(owner);
  scheduler.after(random.between(1_000, random.chance(0.1) ? 1_500_000 : 40_000), null, () => {
    if (!owner.alive || !owner.paused) return;
    note(process.name, "goes on");
    scheduler.resume(owner);
  });
}

/** A second writer takes over while the first still runs; after a while one of them dies. */
function rival(options: NemesisOptions): void {
  const { scheduler, random, faults, processes } = options;
  for (const process of processes) process.start();
  const loser = random.pick(processes);
  scheduler.after(random.between(2_000, random.chance(0.2) ? 400_000 : 60_000), null, () => {
    if (!faults.healed) loser.crash();
  });
}

function fillDisk(options: NemesisOptions): void {
  const { scheduler, random, store } = options;
  store.fill(true);
  scheduler.after(random.between(1_000, 60_000), null, () => store.fill(false));
}

function trouble(options: NemesisOptions, { name, disk }: WriterProcess, condition: DiskCondition): void {
  const { scheduler, random, note } = options;
  disk.condition = condition;
  note(name, `state disk is ${condition}`);
  scheduler.after(random.between(1_000, random.chance(0.2) ? 4_000_000 : 60_000), null, () => {
    if (disk.condition !== condition) return;
    disk.condition = "sound";
    note(name, "state disk is sound");
  });
}

/** A future event cannot be projected until somebody fixes the program. */
function poison(options: NemesisOptions): void {
  const { scheduler, random, store, projector, note } = options;
  const projection = random.pick(projectionNames);
  const revision = store.head() + random.between(1, 30);
  projector.poison(projection, revision);
  note("projector", `${projection} cannot project ${revision}`);
  scheduler.after(random.between(20_000, 3_000_000), null, () => {
    projector.poison(projection, undefined);
    note("projector", `${projection} can project every event`);
  });
}

/** A clock jumps far ahead, and is corrected after a while. */
function runWild(options: NemesisOptions, process: WriterProcess): void {
  const { scheduler, random, note } = options;
  process.clock.offsetUs = random.pick([31, 40, 3650]) * 24 * HOUR_US;
  note(process.name, `clock is off by ${process.clock.offsetUs / 1_000_000} s`);
  scheduler.after(random.between(2_000, random.chance(0.2) ? 2_000_000 : 100_000), null, () => {
    process.clock.offsetUs = 0;
    note(process.name, "clock is right");
  });
}

function drift(options: NemesisOptions, { name, clock }: WriterProcess): void {
  const { random, note } = options;
  clock.driftPpm = random.pick([-100_000, -500, 0, 500, 100_000]);
  note(name, `clock gains ${clock.driftPpm} ppm`);
}

function jump(options: NemesisOptions, process: WriterProcess): void {
  const { random, note } = options;
  process.clock.offsetUs = random.pick([-HOUR_US, -2_000_000, 0, 3_000_000, HOUR_US, 20 * HOUR_US]);
  note(process.name, `clock is off by ${process.clock.offsetUs / 1_000_000} s`);
}

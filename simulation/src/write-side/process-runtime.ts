import type { Runtime } from "ledger-core";
import { makeWallClock } from "ledger-core/process";
import type { Random } from "../random.ts";
import type { Owner, Scheduler } from "../scheduler.ts";
import type { MachineClock } from "./machine-clock.ts";
import type { StateDisk } from "./state-disk.ts";

/** A process's machine: its own clock, and a disk that may be slow. */
type SimulatedMachine = {
  readonly clock: Pick<MachineClock, "now">;
  readonly disk?: Pick<StateDisk, "condition">;
};

/** Advance of the monotonic clock per reading. */
const STEP_MS = 0.3;
const SLOW_STEP_MS = 30;

/** Time and randomness of one process. The monotonic clock advances with each reading, so that time slices end. */
export function processRuntime(scheduler: Scheduler, random: Random, owner: Owner, machine: SimulatedMachine): Runtime {
  let creptMs = 0;
  const runtime: Runtime = {
    now: makeWallClock({
      wallMs: () => Math.floor(machine.clock.now() / 1000),
      elapsedMs: () => scheduler.now() / 1000,
    }),
    elapsedMs: () => {
      creptMs += machine.disk?.condition === "slow" ? SLOW_STEP_MS : STEP_MS;
      return scheduler.now() / 1000 + creptMs;
    },
    defer: (task) => void scheduler.after(random.between(1, 100), owner, task),
    delay: (ms) => new Promise((resolve) => void scheduler.after(ms * 1000, owner, resolve)),
    every(ms, task) {
      let stop = () => {};
      const again = () => {
        stop = scheduler.after(ms * 1000, owner, () => {
          again();
          return task();
        });
      };
      again();
      return () => stop();
    },
    random: (below) => random.below(below),
  };
  return runtime;
}

import type { Micros, Runtime } from "ledger-core";
import type { Random } from "./random.ts";
import type { Owner, Scheduler } from "./scheduler.ts";

/** Time and chance as one process sees them. Measured time creeps on by itself, so that slices of work end somewhere. */
export function processRuntime(scheduler: Scheduler, random: Random, owner: Owner, offset: () => Micros): Runtime {
  let creptMs = 0;
  const runtime: Runtime = {
    now: () => scheduler.now() + offset(),
    elapsedMs: () => {
      creptMs += 0.3;
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

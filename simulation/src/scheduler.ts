import type { Micros } from "ledger-core";
import { pop, push } from "./heap.ts";

/** A process of the simulated world: its tasks die with it and wait while it is paused. */
export type Owner = {
  readonly name: string;
  alive: boolean;
  paused: boolean;
  /** Tasks that came due while it was paused. */
  readonly held: Task[];
};

type Task = { at: Micros; order: number; readonly owner: Owner | null; run: (() => unknown) | null };

/**
 * The only source of time and order: runs tasks by virtual time, one at a time, each until nothing of it is left to do.
 */
export type Scheduler = {
  /** True time; a process's clock may be wrong. */
  now(): Micros;
  /**
   * Runs a task after a delay, unless its owner is dead by then. Tasks due at the same time run in the order they were
   * set.
   * @returns a function that cancels the task
   */
  after(delayUs: number, owner: Owner | null, run: () => unknown): () => void;
  pause(owner: Owner): void;
  resume(owner: Owner): void;
  kill(owner: Owner): void;
  /**
   * Holds back the next task until work outside the simulation (an in-memory database) is done, so that its speed has
   * no effect.
   */
  settled<T>(work: Promise<T>): Promise<T>;
  /** Lets tasks run during such work, because the work waits for them. @returns a function that ends the pause */
  pauseWork(): () => void;
  /** Runs the next task and all its immediate consequences. False if there is none. */
  step(): Promise<boolean>;
};

export function makeOwner(name: string): Owner {
  return { name, alive: true, paused: false, held: [] };
}

/** @param onFault called with what a task throws or rejects with: in a process, a bug that ends it */
export function makeScheduler(start: Micros, onFault: (owner: Owner | null, error: unknown) => void): Scheduler {
  const heap: Task[] = [];
  const work = makeRealWork();
  let now = start;
  let orders = 0;

  return {
    now: () => now,
    after(delayUs, owner, run) {
      const task: Task = { at: now + Math.ceil(delayUs), order: orders++, owner, run };
      push(heap, task);
      return () => {
        task.run = null;
      };
    },
    pause(owner) {
      owner.paused = true;
    },
    resume(owner) {
      owner.paused = false;
      for (const task of owner.held.splice(0)) {
        task.at = now;
        task.order = orders++;
        push(heap, task);
      }
    },
    kill(owner) {
      owner.alive = false;
      owner.held.length = 0;
    },
    settled: work.settled,
    pauseWork: work.pause,
    async step() {
      for (let task = pop(heap); task; task = pop(heap)) {
        if (!task.run || task.owner?.alive === false) continue;
        now = Math.max(now, task.at);
        if (task.owner?.paused) {
          task.owner.held.push(task);
          continue;
        }
        run(task.owner, task.run, onFault);
        await work.quiet();
        return true;
      }
      return false;
    },
  };
}

/** Counts the real work in progress. */
function makeRealWork() {
  let working = 0;
  let steps = 0;
  return {
    settled<T>(work: Promise<T>): Promise<T> {
      working++;
      const done = () => void working--;
      work.then(done, done);
      return work;
    },
    pause(): () => void {
      working--;
      let paused = true;
      return () => {
        if (paused) working++;
        paused = false;
      };
    },
    /** Resolves when no work is in progress and no microtask is queued. Sometimes yields to the host. */
    async quiet(): Promise<void> {
      await new Promise<void>((resolve) => process.nextTick(resolve));
      while (working > 0) await new Promise<void>((resolve) => setImmediate(resolve));
      if (++steps % 4096 === 0) await new Promise<void>((resolve) => setImmediate(resolve));
    },
  };
}

function run(owner: Owner | null, task: () => unknown, onFault: (owner: Owner | null, error: unknown) => void): void {
  try {
    const result = task();
    if (result instanceof Promise) result.catch((error: unknown) => onFault(owner, error));
  } catch (error) {
    onFault(owner, error);
  }
}

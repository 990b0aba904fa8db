import { setImmediate, setTimeout } from "node:timers/promises";
import type { Runtime } from "ledger-core";
import { systemRuntime } from "ledger-core/process";

/** How background work is cut into steps: transactions, or reads of rows to compare. */
export type Steps = {
  /** The most events that a step ever applies. */
  readonly most: number;
  /** Begins a step that applies events. @returns the most that it should apply */
  begin(): number;
  /** Ends a step, which applied this many events, and pauses. */
  end(events?: number): Promise<void>;
};

/** Steps of work that shares its thread and store with nobody in a hurry: pauses after transactions only. */
export function evenSteps(most: number, pauseMs: number): Steps {
  return {
    most,
    begin: () => most,
    end: (events = 0) => (events > 0 && pauseMs > 0 ? setTimeout(pauseMs) : setImmediate()),
  };
}

/** The size of steps beside live work; each field states its default. */
export type StepTuning = {
  /** The most events of a step. 64 to 100,000. Default 1000. */
  readonly fillMax?: number;
  /** How long a step should take, in ms; live work waits for it. 1 to 1000. Default 5. */
  readonly stepMs?: number;
};

/** A transaction costs something whatever it holds, so fewer events would not be faster. */
const FEWEST = 64;
/** For how long after the last live work more of it is expected. */
const LIVE_FOR_MS = 1000;
/** A step that took longer did not run all the time. */
const PAUSE_MAX_MS = 50;

/**
 * Steps of work in the thread and the store of live work: short ones, since live work waits for each. While there is
 * live work, the pauses are as long as the steps, so that it has half of the time.
 */
export function stepsBesideLive(
  { fillMax = 1000, stepMs = 5 }: StepTuning,
  runtime: Pick<Runtime, "elapsedMs" | "delay"> = systemRuntime,
): Steps & { noteLive(): void } {
  let size = FEWEST;
  let fromMs = runtime.elapsedMs();
  let liveMs = Number.NEGATIVE_INFINITY;
  return {
    most: fillMax,
    noteLive() {
      liveMs = runtime.elapsedMs();
    },
    begin() {
      fromMs = runtime.elapsedMs();
      return size;
    },
    async end(events = 0) {
      const endMs = runtime.elapsedMs();
      const tookMs = endMs - fromMs;
      if (events > 0) size = Math.max(FEWEST, Math.min(fillMax, 2 * size, Math.floor((events * stepMs) / tookMs)));
      await runtime.delay(endMs - liveMs < LIVE_FOR_MS ? Math.min(tookMs, PAUSE_MAX_MS) : 0);
      fromMs = runtime.elapsedMs();
    },
  };
}

import type { Position, Runtime } from "ledger-core";
import { Problem } from "ledger-core/http";
import { systemRuntime } from "ledger-core/process";
import { reached } from "./positions.ts";

/**
 * Requests that wait at once for one store; more are turned away, so that a stopped projection cannot fill the memory
 * with them.
 */
export const WAITERS_MAX = 1000;
const PAUSE_MIN_MS = 5;
const PAUSE_MAX_MS = 50;

export type WaitingRoomOptions = {
  /** How far the store has come. */
  readonly positions: () => Promise<readonly Position[]>;
  /** Calls its listener when the store may have moved on; without it, or between calls, the store is polled. */
  readonly wake?: ((listener: () => void) => () => void) | undefined;
  readonly waitersMax?: number;
  readonly runtime?: Runtime;
};

/** Where requests wait for a store to come to a position. However many wait, the store is asked once at a time. */
export type WaitingRoom = {
  readonly runtime: Runtime;
  /**
   * Whether the store came to the positions before the deadline, by the runtime's clock of spans. @throws Problem 503
   * when the room is full
   */
  until(required: readonly Position[], deadlineMs: number): Promise<boolean>;
};

type Waiter = {
  readonly required: readonly Position[];
  readonly deadlineMs: number;
  readonly done: PromiseWithResolvers<boolean>;
};

export function openWaitingRoom(options: WaitingRoomOptions): WaitingRoom {
  const { positions, wake, waitersMax = WAITERS_MAX, runtime = systemRuntime } = options;
  const waiters = new Set<Waiter>();
  let polling = false;

  async function poll(): Promise<void> {
    const alarm = createAlarm(runtime);
    const asleep = wake?.(alarm.ring);
    let pauseMs = PAUSE_MIN_MS;
    try {
      while (waiters.size > 0) {
        settle(await positions());
        if (waiters.size === 0) break;
        const nearestMs = Math.min(...Array.from(waiters, (waiter) => waiter.deadlineMs)) - runtime.elapsedMs();
        await alarm.within(Math.max(0, Math.min(pauseMs, nearestMs)));
        pauseMs = Math.min(pauseMs * 2, PAUSE_MAX_MS);
      }
    } catch (error) {
      for (const waiter of waiters) waiter.done.reject(error);
      waiters.clear();
    } finally {
      asleep?.();
      polling = false;
    }
  }

  function settle(served: readonly Position[]): void {
    const nowMs = runtime.elapsedMs();
    for (const waiter of waiters) {
      const there = reached(served, waiter.required);
      if (!there && nowMs < waiter.deadlineMs) continue;
      waiters.delete(waiter);
      waiter.done.resolve(there);
    }
  }

  return {
    runtime,
    until(required, deadlineMs) {
      if (waiters.size >= waitersMax)
        throw new Problem("overloaded", "Too many requests are waiting for a position.", {
          headers: { "retry-after": "1" },
        });
      const waiter = { required, deadlineMs, done: Promise.withResolvers<boolean>() };
      waiters.add(waiter);
      if (!polling) {
        polling = true;
        void poll();
      }
      return waiter.done.promise;
    },
  };
}

/** A pause that another's call ends early; a ring while nobody pauses ends the next pause at once. */
function createAlarm(runtime: Runtime) {
  let rung = false;
  let awaken: (() => void) | undefined;
  return {
    ring(): void {
      rung = true;
      awaken?.();
    },
    within(ms: number): Promise<void> {
      return new Promise((resolve) => {
        const stop = runtime.every(ms, () => awaken?.());
        awaken = () => {
          stop();
          awaken = undefined;
          rung = false;
          resolve();
        };
        if (rung) awaken();
      });
    },
  };
}

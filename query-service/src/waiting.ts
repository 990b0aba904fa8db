import { assert, callerKey, LedgerError, type Position, type Runtime } from "ledger-core";
import { Problem } from "ledger-core/http/problems";
import { systemRuntime } from "ledger-core/process";
import { type QueryLimits, queryLimits } from "./limits.ts";
import { type Freshness, reached } from "./positions.ts";
import type { Query, QueryOutcome, QueryRunner, StoreName } from "./query.ts";

export type Wake = (listener: () => void) => () => void;

type WaitingRoomOptions = {
  /** The store's positions. */
  readonly positions: () => Promise<readonly Position[]>;
  /** Calls its listener when the store may have advanced; without it, or between calls, the store is polled. */
  readonly wake?: Wake | undefined;
  /** Counts the waiting requests; rooms that share a crowd are bounded together. Default: one per room. */
  readonly crowd?: Crowd;
  readonly limits?: QueryLimits;
  readonly runtime?: Runtime;
};

/** Where requests wait for a store to reach a position. One poll at a time serves all of them. */
export type WaitingRoom = {
  /**
   * Whether the store reached the positions before the deadline, by the runtime's monotonic clock.
   * @throws Problem 429 when the caller has too many waiting, 503 when all callers together have
   */
  until(required: readonly Position[], deadlineMs: number, caller: string): Promise<boolean>;
};

/** Counts the waiting requests, per caller and in all. */
type Crowd = {
  /** @throws Problem 429, 503 */
  enter(caller: string): void;
  leave(caller: string): void;
};

/** Bounds waiting requests, so that a stopped projection cannot fill the memory, nor one caller crowd out another. */
export function createCrowd({ waitersPerCaller, waitersMax }: QueryLimits): Crowd {
  const counts = new Map<string, number>();
  const allMax = Math.max(waitersMax, waitersPerCaller + 1);
  let all = 0;
  return {
    enter(caller) {
      const own = counts.get(caller) ?? 0;
      if (own >= waitersPerCaller)
        throw new Problem("too_many_requests", "Too many of the caller's requests are waiting for a position.", later);
      if (all >= allMax) throw new Problem("overloaded", "Too many requests are waiting for a position.", later);
      counts.set(caller, own + 1);
      all++;
    },
    leave(caller) {
      const own = (counts.get(caller) ?? 0) - 1;
      if (own > 0) counts.set(caller, own);
      else counts.delete(caller);
      all--;
    },
  };
}

const later = { headers: { "retry-after": "1" } };

type Waiter = {
  readonly required: readonly Position[];
  readonly deadlineMs: number;
  readonly done: PromiseWithResolvers<boolean>;
};

export function openWaitingRoom(options: WaitingRoomOptions): WaitingRoom {
  const { positions, wake, limits = queryLimits, runtime = systemRuntime } = options;
  const { crowd = createCrowd(limits) } = options;
  const waiters = new Set<Waiter>();
  let polling = false;

  async function poll(): Promise<void> {
    const alarm = createAlarm(runtime);
    const asleep = wake?.(alarm.ring);
    let pauseMs = limits.pollMs.first;
    let polled: readonly Position[] = [];
    try {
      while (waiters.size > 0) {
        const served = await positions();
        // After an advance the next one is near, however long the longest waiter has been here.
        if (!reached(polled, served)) pauseMs = limits.pollMs.first;
        polled = served;
        settle(served);
        if (waiters.size === 0) break;
        const nearestMs = Math.min(...Array.from(waiters, (waiter) => waiter.deadlineMs)) - runtime.elapsedMs();
        await alarm.within(Math.max(0, Math.min(pauseMs, nearestMs)));
        pauseMs = Math.min(pauseMs * 2, limits.pollMs.most);
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
    async until(required, deadlineMs, caller) {
      crowd.enter(caller);
      const waiter = { required, deadlineMs, done: Promise.withResolvers<boolean>() };
      waiters.add(waiter);
      if (!polling) {
        polling = true;
        void poll();
      }
      try {
        return await waiter.done.promise;
      } finally {
        crowd.leave(caller);
      }
    },
  };
}

/** A pause that can be ended early; a ring outside a pause ends the next one at once. */
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

type FreshRunnerOptions = {
  readonly run: QueryRunner;
  readonly rooms: ReadonlyMap<StoreName, WaitingRoom>;
  readonly runtime: Runtime;
  readonly limits: QueryLimits;
};

/**
 * Runs a query, waiting until the deadline for its store to reach the required positions. Every attempt checks its own
 * position, since the replica that answers may be behind the one that was polled.
 * @throws LedgerError position_not_reached
 */
export async function whenReached(
  { run, rooms, runtime, limits }: FreshRunnerOptions,
  query: Query,
  { deadlineMs }: Freshness,
): Promise<Extract<QueryOutcome, { kind: "answer" }>> {
  for (let attempts = 1; ; attempts++) {
    const outcome = await run(query);
    if (outcome.kind === "answer") return outcome;
    if (attempts > 1) await runtime.delay(limits.replicaPauseMs);
    const room = rooms.get(outcome.store);
    assert(room, `a route reads ${outcome.store}`);
    if (!(await room.until(outcome.required, deadlineMs, callerKey(query.caller)))) throw notReached();
    if (attempts > 1 && runtime.elapsedMs() >= deadlineMs) throw notReached();
  }
}

function notReached(): LedgerError {
  const message = "The position asked for was not reached within Ledger-Wait.";
  return new LedgerError("position_not_reached", message, { retryable: true });
}

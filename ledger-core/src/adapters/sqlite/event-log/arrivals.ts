import type { Shard } from "../../../domain/position.ts";

/** The in-process signal from an append to the subscribers of its shard. */
export type Arrivals = {
  /** Wakes every subscriber that waits for the shard. */
  announce(shard: Shard): void;
  /** Wakes everyone, at the end. */
  announceAll(): void;
  /** Settles at the next announcement or when the signal aborts. Announcements before the call do not count. */
  next(shard: Shard, signal: AbortSignal): Promise<void>;
};

export function makeArrivals(): Arrivals {
  const waiting = new Map<Shard, Set<() => void>>();
  const announce = (shard: Shard) => {
    const wakers = waiting.get(shard);
    waiting.delete(shard);
    for (const wake of wakers ?? []) wake();
  };
  return {
    announce,
    announceAll: () => {
      for (const shard of [...waiting.keys()]) announce(shard);
    },
    next: (shard, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const wakers = waiting.get(shard) ?? new Set();
        waiting.set(shard, wakers);
        const wake = () => {
          wakers.delete(wake);
          signal.removeEventListener("abort", wake);
          resolve();
        };
        wakers.add(wake);
        signal.addEventListener("abort", wake);
      }),
  };
}

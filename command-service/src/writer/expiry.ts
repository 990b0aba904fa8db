import type { PaymentId, Runtime } from "ledger-core";
import type { DuePage } from "../state/due-holds.ts";
import type { ClockGuard } from "./clock-guard.ts";
import { expiryJob } from "./jobs.ts";
import type { JobQueue } from "./queue.ts";
import type { ShardOwnership } from "./shard-ownership.ts";
import type { WriterLoop } from "./writer-loop.ts";

export type ExpiryLimits = {
  /** Due holds found per look. From 1; default 1,000. */
  readonly dueMax?: number;
  /**
   * Holds released at a time; few, so that clients' commands get in between. From 1; default 100.
   */
  readonly releasesMax?: number;
};

type ExpiryOptions = ExpiryLimits & {
  readonly ownership: ShardOwnership;
  readonly queue: JobQueue;
  readonly loop: WriterLoop;
  readonly runtime: Runtime;
  readonly clock: ClockGuard;
  readonly accepting: () => boolean;
};

/**
 * Makes the task that releases expired holds, by the ledger's own commands through the same queue. Each run continues
 * until nothing is due.
 */
export function makeExpiry(options: ExpiryOptions): () => Promise<void> {
  const { ownership, queue, loop, runtime, clock, accepting, dueMax = 1000, releasesMax = 100 } = options;
  let running = false;

  async function releaseDue(): Promise<void> {
    for (let more = true; more; ) {
      const page = look();
      more = page.more;
      for (let at = 0; at < page.payments.length; at += releasesMax) {
        if (!accepting() || !ownership.ready) return;
        await release(page.payments.slice(at, at + releasesMax));
      }
      // Let other work run between two looks.
      if (more) await new Promise<void>((resolve) => runtime.defer(resolve));
    }
  }

  /** Uses log time, as captures do: it stays ahead of a clock that was set back. */
  function look(): DuePage {
    if (accepting() && ownership.ready) {
      try {
        return ownership.state.duePayments(Math.max(clock.now(), ownership.state.at), dueMax);
      } catch (error) {
        loop.shardFailed(error);
      }
    }
    return { payments: [], more: false };
  }

  /** Resolves when each is in the log or has failed; a failed one is found again by the next look. */
  async function release(payments: readonly PaymentId[]): Promise<void> {
    const released = payments.map(
      (payment) =>
        new Promise<void>((resolve) => {
          const settled = () => resolve();
          queue.add(expiryJob(payment, { answer: settled, fail: settled }));
        }),
    );
    loop.wake();
    await Promise.all(released);
  }

  return async () => {
    if (running) return;
    running = true;
    try {
      await releaseDue();
    } finally {
      running = false;
    }
  };
}

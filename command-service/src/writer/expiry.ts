import { ledgerSub, type PaymentId, type Runtime } from "ledger-core";
import type { ClockGuard } from "./clock-guard.ts";
import type { HeldShard } from "./held-shard.ts";
import type { JobQueue } from "./queue.ts";
import type { Turns } from "./turns.ts";

export type ExpiryLimits = {
  /** Due holds that are looked for at once. From 1; default 1,000. */
  readonly dueMax?: number;
  /** Holds that are being released at once: few, so that clients' commands find their place between them. From 1; default 100. */
  readonly releasesMax?: number;
};

type ExpiryOptions = ExpiryLimits & {
  readonly held: HeldShard;
  readonly queue: JobQueue;
  readonly turns: Turns;
  readonly runtime: Runtime;
  readonly clock: ClockGuard;
  readonly accepting: () => boolean;
};

const caller = { tenant: "", role: "service", sub: ledgerSub } as const;

/**
 * Makes what releases the holds whose time has come: the ledger's own commands, through the same queue. Once begun it goes on until
 * nothing is due, with a few holds under way: the next are taken when half of those are in the log.
 */
export function makeExpiry(options: ExpiryOptions): () => void {
  const { held, queue, turns, runtime, clock, accepting, dueMax = 1000, releasesMax = 100 } = options;
  /** Found and not yet asked for. */
  let due: readonly PaymentId[] = [];
  let more = false;
  let underWay = 0;
  let scheduled = false;

  function goOn(): void {
    if (scheduled || underWay > releasesMax / 2) return;
    scheduled = true;
    runtime.defer(() => {
      scheduled = false;
      release();
    });
  }

  function release(): void {
    if (underWay > releasesMax / 2) return;
    if (!accepting() || !held.standing.ready) {
      due = [];
      more = false;
      return;
    }
    // Those under way are still due: a page is looked for when the one before is in the log.
    if (due.length === 0 && underWay === 0) look();
    const now = due.slice(0, releasesMax - underWay);
    due = due.slice(now.length);
    underWay += now.length;
    for (const payment of now) expire(payment);
    if (now.length > 0) turns.schedule();
    else if (more && underWay === 0) goOn();
  }

  /** By log time, as captures are refused: it stays ahead of a clock that was set back. */
  function look(): void {
    more = false;
    try {
      const page = held.state.duePayments(Math.max(clock.now(), held.state.at), dueMax);
      due = page.payments;
      more = page.more;
    } catch (error) {
      turns.shardFailed(error);
    }
  }

  function expire(payment: PaymentId): void {
    const settled = () => {
      underWay--;
      if (due.length > 0 || (more && underWay === 0)) goOn();
    };
    const item = { command: { type: "ExpirePayment", payment } as const, check: null, paymentAbsent: false };
    queue.add({ kind: "single", caller, item, dryRun: false, weight: 0, answer: settled, fail: settled });
  }

  return release;
}

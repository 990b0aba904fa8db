import { ledgerSub, type PaymentId, type Runtime } from "ledger-core";
import type { HeldShard } from "./held-shard.ts";
import type { JobQueue } from "./queue.ts";
import type { Turns } from "./turns.ts";

/** How many holds are looked for at a time. */
const DUE_MAX = 500;

type ExpiryOptions = {
  readonly held: HeldShard;
  readonly queue: JobQueue;
  readonly turns: Turns;
  readonly runtime: Runtime;
  readonly accepting: () => boolean;
};

/** Makes what releases the holds whose time has come: the ledger's own commands, through the same queue. */
export function makeExpiry({ held, queue, turns, runtime, accepting }: ExpiryOptions): () => void {
  const expiring = new Set<PaymentId>();
  return () => {
    if (!accepting() || !held.standing.ready) return;
    // By log time, as captures are refused: it stays ahead of a clock that was set back.
    for (const payment of held.state.duePayments(Math.max(runtime.now(), held.state.at), DUE_MAX)) {
      if (expiring.has(payment)) continue;
      expiring.add(payment);
      const settled = () => void expiring.delete(payment);
      const caller = { tenant: "", role: "service", sub: ledgerSub } as const;
      const item = { command: { type: "ExpirePayment", payment } as const, check: null, paymentAbsent: false };
      queue.add({ kind: "single", caller, item, dryRun: false, weight: 0, answer: settled, fail: settled });
    }
    if (queue.ready) turns.schedule();
  };
}

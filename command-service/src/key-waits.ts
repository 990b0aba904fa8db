import { scopedKey } from "ledger-core";
import { Problem } from "ledger-core/http";
import type { Submission } from "./submission.ts";

/** Runs a command under its key; a second one under the same key at once waits for a bounded time only. */
export type KeyWaits = <T>(under: Pick<Submission, "caller" | "key">, run: () => Promise<T>) => Promise<T>;

/**
 * The writer lets the second of two requests under one key wait for the first's answer; here that wait is bounded, since a client
 * that repeats itself is better told than kept. The first is not bounded: its answer must say what happened.
 */
export function keyWaits(waitMs = 10_000): KeyWaits {
  const underWay = new Set<string>();
  return async ({ caller, key }, run) => {
    const scoped = scopedKey(caller.tenant, caller.sub, key);
    if (underWay.has(scoped)) return bounded(run(), waitMs);
    underWay.add(scoped);
    try {
      return await run();
    } finally {
      underWay.delete(scoped);
    }
  };
}

async function bounded<T>(answer: Promise<T>, waitMs: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(inProgress()), waitMs);
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function inProgress(): Problem {
  return new Problem(
    "idempotency_key_in_progress",
    "The first request under this Idempotency-Key has no answer yet; repeat it later.",
    { headers: { "retry-after": "1" } },
  );
}

import type { Caller } from "ledger-core";
import { Problem } from "ledger-core/http";
import type { Submission } from "../writer-port.ts";

/** Runs a command under its key; a second one under the same key at once waits for a bounded time only. */
export type KeyWaits = <T>(under: Pick<Submission, "caller" | "key">, run: () => Promise<T>) => Promise<T>;

/**
 * The writer lets the second of two requests under one key wait for the first's answer; here that wait is bounded,
 * since a client that repeats itself is better told than kept. The first is not bounded: its answer must say what
 * happened.
 */
export function keyWaits(waitMs = 10_000): KeyWaits {
  // By key alone, and the callers under it: a text of tenant, subject and key would be made and hashed anew for each
  // request.
  const underWay = new Map<string, readonly Caller[]>();

  function end(key: string, caller: Caller): void {
    const others = underWay.get(key)?.filter((other) => other !== caller) ?? [];
    if (others.length === 0) underWay.delete(key);
    else underWay.set(key, others);
  }

  return ({ caller, key }, run) => {
    const callers = underWay.get(key) ?? nobody;
    if (callers.some(({ tenant, sub }) => tenant === caller.tenant && sub === caller.sub))
      return bounded(run(), waitMs);
    const answer = run();
    underWay.set(key, [...callers, caller]);
    const ended = () => end(key, caller);
    answer.then(ended, ended);
    return answer;
  };
}

const nobody: readonly Caller[] = [];

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

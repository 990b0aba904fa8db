import { assert, LedgerError, type Runtime } from "ledger-core";
import type { QueryLimits } from "./limits.ts";
import type { Freshness } from "./positions.ts";
import { callerKey, type Query, type QueryOutcome, type QueryRunner, type StoreName } from "./query.ts";
import type { WaitingRoom } from "./waiting.ts";

export type FreshRunnerOptions = {
  readonly run: QueryRunner;
  readonly rooms: ReadonlyMap<StoreName, WaitingRoom>;
  readonly runtime: Runtime;
  readonly limits: QueryLimits;
};

/**
 * Runs a query, waiting until the deadline for its store to reach the required positions. Every attempt checks its own
 * position: the replica that answers may be behind the one that was asked.
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
  const message = "What is served had not come to the position asked for within Ledger-Wait.";
  return new LedgerError("position_not_reached", message, { retryable: true });
}

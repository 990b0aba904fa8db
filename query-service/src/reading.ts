import type { Knex } from "knex";
import { isLedgerError, LedgerError, type Position, type Runtime } from "ledger-core";
import { isMissingTable, onStore } from "ledger-core/sql";
import type { QueryLimits } from "./limits.ts";
import { type Freshness, reached } from "./positions.ts";
import { openView, type View } from "./queries/view.ts";
import { openWaitingRoom, type WaitingRoom } from "./waiting.ts";

/** What was read, and the position of each shard that it stands at. */
export type Read<Result> = { readonly result: Result; readonly positions: readonly Position[] };

export type ModelReader = {
  /**
   * Runs a read on the models in one snapshot, at the required positions or later.
   * @throws LedgerError position_not_reached when they are not there in time; store_unavailable
   */
  read<Result>(freshness: Freshness, query: (view: View) => Promise<Result>): Promise<Read<Result>>;
};

export type Wake = (listener: () => void) => () => void;

/** Pause between attempts when the store that answers is behind the one that was asked how far it had come. */
const REPLICA_PAUSE_MS = 20;

export function createModelReader(
  models: Knex,
  {
    wake,
    runtime,
    limits,
  }: { readonly wake: Wake | undefined; readonly runtime: Runtime; readonly limits: QueryLimits },
): ModelReader {
  const positions = () => onModels(async () => (await openView(models, limits))?.positions ?? []);
  const room = openWaitingRoom({ positions, wake, runtime });
  return {
    read: (freshness, query) =>
      whenReached(freshness, room, () => onModels(() => snapshot({ models, limits }, freshness, query))),
  };
}

/**
 * Models that cannot be read are not there, to a client: also those that lack a table, since theirs is not made yet.
 */
async function onModels<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await onStore("read models", work);
  } catch (error) {
    if (!isLedgerError(error, "incompatible")) throw error;
    throw new LedgerError("store_unavailable", error.message, { cause: error });
  }
}

/**
 * Tries, and while the store has not come far enough waits for it, until the time is up. An attempt says for itself
 * where it stands: the store that said it had reached a position may be another replica than the one that answers.
 */
export async function whenReached<Result>(
  { required, deadlineMs }: Freshness,
  room: WaitingRoom,
  attempt: () => Promise<Read<Result> | undefined>,
): Promise<Read<Result>> {
  for (let attempts = 1; ; attempts++) {
    const read = await attempt();
    if (read) return read;
    if (attempts > 1) await room.runtime.delay(REPLICA_PAUSE_MS);
    if (!(await room.until(required, deadlineMs))) throw notReached();
    if (attempts > 1 && room.runtime.elapsedMs() >= deadlineMs) throw notReached();
  }
}

function notReached(): LedgerError {
  const message = "What is served had not come to the position asked for within Ledger-Wait.";
  return new LedgerError("position_not_reached", message, { retryable: true });
}

/**
 * One transaction, and in it first the checkpoints and then the data: both are of one connection, one replica and one
 * moment. Undefined when that moment is too early.
 */
async function snapshot<Result>(
  { models, limits }: { readonly models: Knex; readonly limits: QueryLimits },
  { required }: Freshness,
  query: (view: View) => Promise<Result>,
): Promise<Read<Result> | undefined> {
  const attempt = () =>
    models.transaction(async (db) => {
      const view = await openView(db, limits);
      if (!view || !reached(view.positions, required)) return undefined;
      return { result: await query(view), positions: view.positions };
    });
  try {
    return await attempt();
  } catch (error) {
    // The version was switched and its old tables dropped between the two statements: the second attempt finds the new
    // ones.
    if (!isMissingTable(error)) throw error;
    return await attempt();
  }
}

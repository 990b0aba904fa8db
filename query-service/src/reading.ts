import type { Knex } from "knex";
import type { Position } from "ledger-core";
import { isMissingTable, translateStoreErrors } from "ledger-core/sql";
import { readingOf } from "./damage.ts";
import type { QueryLimits } from "./limits.ts";
import { reached } from "./positions.ts";
import { type ModelsSnapshot, openSnapshot } from "./queries/snapshot.ts";

/** A result, and the position of each shard as of which it was read. */
export type Read<Result> = { readonly result: Result; readonly positions: readonly Position[] };

export type ModelReader = {
  /** How far the models have come. @throws LedgerError store_unavailable, store_damaged */
  positions(): Promise<readonly Position[]>;
  /**
   * Runs a read on the models in one snapshot; undefined when they are not at the required positions.
   * @throws LedgerError store_unavailable, store_damaged
   */
  read<Result>(
    required: readonly Position[],
    query: (models: ModelsSnapshot) => Promise<Result>,
  ): Promise<Read<Result> | undefined>;
};

export function createModelReader(models: () => Knex, limits: QueryLimits): ModelReader {
  return {
    positions: () => onModels(async () => (await openSnapshot(models(), limits))?.positions ?? []),
    read: (required, query) => onModels(() => readSnapshot({ models: models(), limits }, required, query)),
  };
}

function onModels<Result>(work: () => Promise<Result>): Promise<Result> {
  return readingOf("models", () => translateStoreErrors("read models", work));
}

/**
 * Reads checkpoints and data in one transaction, and so from one replica as of one moment. Undefined when that moment
 * is too early.
 */
async function readSnapshot<Result>(
  { models, limits }: { readonly models: Knex; readonly limits: QueryLimits },
  required: readonly Position[],
  query: (models: ModelsSnapshot) => Promise<Result>,
): Promise<Read<Result> | undefined> {
  const attempt = () =>
    models.transaction(async (db) => {
      const snapshot = await openSnapshot(db, limits);
      if (!snapshot || !reached(snapshot.positions, required)) return undefined;
      return { result: await query(snapshot), positions: snapshot.positions };
    });
  try {
    return await attempt();
  } catch (error) {
    // A rebuild switched and dropped the old tables between the two statements; the second attempt finds the new ones.
    if (!isMissingTable(error)) throw error;
    return await attempt();
  }
}

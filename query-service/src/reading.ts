import type { Knex } from "knex";
import type { Position } from "ledger-core";
import { isMissingTable, translateStoreErrors } from "ledger-core/sql";
import { readingOf } from "./damage.ts";
import type { QueryLimits } from "./limits.ts";
import { reached } from "./positions.ts";
import { type ModelsSnapshot, openSnapshot, readServed } from "./queries/snapshot.ts";
import type { StoreName } from "./query.ts";
import type { ReplicaSet } from "./replicas.ts";

/** A result, and the position of each shard at which it was read. */
export type Read<Result> = { readonly result: Result; readonly positions: readonly Position[] };

export type ModelReader = {
  /** The position of the models. @throws LedgerError store_unavailable, store_damaged */
  positions(): Promise<readonly Position[]>;
  /**
   * Runs a read on the models in one snapshot; undefined if they are not at the required positions.
   * @throws LedgerError store_unavailable, store_damaged
   */
  read<Result>(
    required: readonly Position[],
    query: (models: ModelsSnapshot) => Promise<Result>,
  ): Promise<Read<Result> | undefined>;
};

/** Reads the tables of one SQL projection. */
export function createModelReader(models: ReplicaSet, limits: QueryLimits, projection: StoreName): ModelReader {
  const guarded = <Result>(work: () => Promise<Result>): Promise<Result> =>
    readingOf(projection, () => translateStoreErrors("read models", work));
  /** The suffix of the build that was last served. */
  let suffix: string | undefined;
  const open = async (db: Knex) => {
    try {
      const snapshot = await openSnapshot(db, limits, projection, suffix);
      suffix = snapshot?.suffix;
      return snapshot;
    } catch (error) {
      // The tables of a build are dropped some time after the switch to another.
      suffix = undefined;
      throw error;
    }
  };
  return {
    positions: () => guarded(() => models.positions(async (db) => (await readServed(db, projection))?.positions ?? [])),
    read: (required, query) =>
      guarded(() => models.read(required, (db, note) => readSnapshot(db, { open, note, required }, query))),
  };
}

type SnapshotOptions = {
  readonly open: (db: Knex) => Promise<ModelsSnapshot | undefined>;
  /** Told the positions of the snapshot. */
  readonly note: (positions: readonly Position[]) => void;
  readonly required: readonly Position[];
};

/**
 * Reads checkpoints and data in one transaction, and so from one replica at one moment. Undefined if that moment is too
 * early.
 */
async function readSnapshot<Result>(
  models: Knex,
  { open, note, required }: SnapshotOptions,
  query: (models: ModelsSnapshot) => Promise<Result>,
): Promise<Read<Result> | undefined> {
  const attempt = () =>
    models.transaction(async (db) => {
      const snapshot = await open(db);
      note(snapshot?.positions ?? []);
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

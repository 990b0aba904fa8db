import type { Knex } from "knex";
import type { PaymentGraph, ProjectionTarget } from "ledger-core";
import { connectSqlite, openSqlite } from "ledger-core/sql";
import {
  type ModelChange,
  makeReadModels,
  makeSqlProjections,
  migrateModels,
  modelsTarget,
  type Projected,
  viewProjections,
} from "projection-workers";
import { openPaymentGraph } from "query-service";
import type { Settings } from "../settings.ts";

/** Everything that projections write into, in memory. */
export type SimulatedStores = {
  readonly models: Knex;
  /** A copy of the models that follows later. */
  readonly replica: Knex;
  /** Every projection on the list, each with its store. */
  readonly projections: readonly Projected[];
  readonly graph: PaymentGraph;
  /** Writes models as this world lays them out. */
  target(models: Knex): ProjectionTarget<ModelChange>;
  close(): Promise<void>;
};

export async function openModels(): Promise<Knex> {
  const models = connectSqlite({ file: ":memory:" });
  await migrateModels(models);
  return models;
}

export async function openStores({ runRevisions }: Settings["models"]): Promise<SimulatedStores> {
  const [models, replica] = [await openModels(), await openModels()];
  const database = openSqlite({ file: ":memory:" });
  const projections = [
    ...makeSqlProjections(runRevisions).map(({ registered }) => registered.open({ db: models, reader: models })),
    ...viewProjections.map((view) => view.open({ database })),
  ];
  return {
    ...{ models, replica, projections },
    graph: openPaymentGraph({ database }),
    target: (db) => modelsTarget(db, makeReadModels(runRevisions)),
    async close() {
      await Promise.all([models.destroy(), replica.destroy(), ...projections.map((one) => one.close())]);
      database.close();
    },
  };
}

/** A pool whose every transaction and statement goes to one of two stores: a read may meet the one that is behind. */
export function routed(first: Knex, second: Knex, pick: () => boolean): Knex {
  return new Proxy(first, {
    apply: (_target, self, args) => Reflect.apply(pick() ? first : second, self, args),
    get: (_target, name) => Reflect.get(pick() ? first : second, name),
  });
}

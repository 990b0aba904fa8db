import type { Knex } from "knex";
import type { LedgerEvent, PaymentGraph, Revision } from "ledger-core";
import { connectSqlite, openSqlite } from "ledger-core/sql";
import { makeSqlProjections, migrateModels, type Projected, viewProjections } from "projection-workers";
import { openPaymentGraph } from "query-service";
import type { Settings } from "../settings.ts";

/** All stores of the projections, in memory. */
export type SimulatedStores = {
  readonly models: Knex;
  /** A copy of the models that lags behind. */
  readonly replica: Knex;
  /** Every projection on the list with its store. */
  readonly projections: readonly Projected[];
  readonly graph: PaymentGraph;
  /** Every SQL projection, on another store with the same layout. */
  sqlProjections(models: Knex): readonly Projected[];
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
  const sqlProjections = (db: Knex) =>
    makeSqlProjections(runRevisions).map(({ registered }) => registered.open({ db, reader: db }));
  const projections = [
    ...sqlProjections(models),
    ...viewProjections.map(({ registered }) => registered.open({ database })),
  ];
  return {
    ...{ models, replica, projections, sqlProjections },
    graph: openPaymentGraph({ database }),
    async close() {
      await Promise.all([models.destroy(), replica.destroy(), ...projections.map((one) => one.close())]);
      database.close();
    },
  };
}

/** Projects, in one transaction, the events up to a revision that a projection has not applied yet. */
export async function applyUpTo(projected: Projected, events: readonly LedgerEvent[], upTo: Revision): Promise<void> {
  await projected.use(async ({ project }, store) => {
    const at = await store.checkpoint(0);
    if (at < upTo) await store.apply(0, at, upTo, events.slice(at + 1, upTo + 1).flatMap(project));
  });
}

/**
 * A pool that sends each transaction and statement to one of two stores, so that a read may hit the one that lags
 * behind.
 */
export function routed(first: Knex, second: Knex, pick: () => boolean): Knex {
  return new Proxy(first, {
    apply: (_target, self, args) => Reflect.apply(pick() ? first : second, self, args),
    get: (_target, name) => Reflect.get(pick() ? first : second, name),
  });
}

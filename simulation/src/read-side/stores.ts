import type { Knex } from "knex";
import { connectSqlite } from "ledger-core/sql";
import {
  type EmbeddedPaymentGraph,
  type EmbeddedSessionView,
  migrateModels,
  openPaymentGraph,
  openSessionView,
} from "projection-workers";

/** Everything that projections write into, in memory. */
export type SimulatedStores = {
  readonly models: Knex;
  /** A copy of the models that follows later. */
  readonly replica: Knex;
  readonly session: EmbeddedSessionView;
  readonly graph: EmbeddedPaymentGraph;
  close(): Promise<void>;
};

export async function openModels(): Promise<Knex> {
  const models = connectSqlite({ file: ":memory:" });
  await migrateModels(models);
  return models;
}

export async function openStores(): Promise<SimulatedStores> {
  const [models, replica] = [await openModels(), await openModels()];
  const session = await openSessionView({ file: ":memory:" });
  const graph = await openPaymentGraph({ file: ":memory:" });
  return {
    models,
    replica,
    session,
    graph,
    async close() {
      await Promise.all([models.destroy(), replica.destroy(), session.close(), graph.close()]);
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

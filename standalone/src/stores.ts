import type { Knex } from "knex";
import { connectSqlite } from "ledger-core/sql";
import {
  type EmbeddedPaymentGraph,
  type EmbeddedSessionView,
  openPaymentGraph,
  openSessionView,
} from "projection-workers";
import type { DataFolder } from "./data-folder.ts";

export type Stores = {
  readonly models: Knex;
  readonly session: EmbeddedSessionView;
  readonly graph: EmbeddedPaymentGraph;
  close(): Promise<void>;
};

/** What the projections write into; `readOnly` for the side that answers queries, once the writing side has made the files. */
export async function openStores(
  files: Pick<DataFolder, "models" | "views">,
  { readOnly }: { readonly readOnly: boolean },
): Promise<Stores> {
  const models = connectSqlite({ file: files.models, readOnly });
  const session = await openSessionView({ file: files.views, readOnly });
  const graph = await openPaymentGraph({ file: files.views, readOnly });
  return {
    models,
    session,
    graph,
    async close() {
      await Promise.all([session.close(), graph.close(), models.destroy()]);
    },
  };
}

import { type EdgeChange, LedgerError, type ProjectionStore } from "ledger-core";
import { type GremlinClient, openGremlin, readBooks } from "ledger-core/gremlin";
import type { GremlinTarget } from "ledger-core/process";
import { graphProjection } from "../../projections/graph/projection.ts";
import { register } from "../../projections/registered.ts";
import { type Opened, type StoreGroup, storeGroup } from "../../projections/store-group.ts";
import { openViewStore } from "../sqlite/view-store.ts";
import { edgesFile } from "./edges-file.ts";
import { everyEdge, everyEdgeTables, mayLackEdge } from "./every-edge.ts";
import { openGraphStore } from "./graph-store.ts";

type OpenStore = () => ProjectionStore<EdgeChange>;

/** The payment graph on a Gremlin server, as a store to be compared with the log. It is only read. */
export function graphServerGroup(name: string, target: GremlinTarget): StoreGroup {
  const registered = register(graphProjection, (open: OpenStore) => open());
  return storeGroup([registered], [{ name, open: () => openServer(target) }], async (file) => ({
    connection: () => openViewStore(edgesFile, { file }),
    close: async () => undefined,
  }));
}

async function openServer(target: GremlinTarget): Promise<Opened<OpenStore>> {
  const client = openGremlin(target);
  return { connection: () => graphToRead(client), close: () => client.close() };
}

function graphToRead(client: GremlinClient): ProjectionStore<EdgeChange> {
  const read = async () => {
    const books = await readBooks(client);
    if (!books) throw new LedgerError("store_unavailable", "the graph is empty", { retryable: true });
    return books;
  };
  return {
    ...openGraphStore(client),
    tables: everyEdgeTables,
    async checkpoint(shard) {
      const books = await read();
      return books.checkpoint(books.served, shard);
    },
    async atOneMoment(work) {
      const { served, born, checkpoint } = await read();
      const reached = (shard: number) => checkpoint(served, shard);
      const result = await work({
        checkpoint: async (shard) => reached(shard),
        rows: everyEdge(client, served, reached),
        mayLack: mayLackEdge(client, served),
      });
      const after = await read();
      if (after.born === born && after.served.version === served.version && after.complete) return result;
      throw new LedgerError("store_unavailable", "the graph was emptied, or is being filled", { retryable: true });
    },
  };
}

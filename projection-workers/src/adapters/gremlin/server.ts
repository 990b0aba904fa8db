import { completeGraph, type GremlinClient, openBooks, openGremlin } from "ledger-core/gremlin";
import { graphProjection } from "../../projections/graph/projection.ts";
import { register } from "../../projections/registered.ts";
import type { OpenedServer } from "../../projections/store-server.ts";
import { type AloneTuning, aloneTuning } from "./alone.ts";
import { openGraphStore } from "./graph-store.ts";

/** Opens the payment graph on a Gremlin server; an empty one is filled before queries read it. */
export async function openGraphServer(
  target: Parameters<typeof openGremlin>[0],
  alone: AloneTuning = aloneTuning,
): Promise<OpenedServer> {
  const registered = register(graphProjection, (opened: GremlinClient) => openGraphStore(opened, alone));
  const client = openGremlin(target);
  try {
    const books = await openBooks(client);
    const projected = registered.open(client);
    return {
      projections: [projected],
      rebuilding: !books.complete,
      complete: () => completeGraph(client, books),
      async close() {
        await projected.close();
        await client.close();
      },
    };
  } catch (error) {
    await client.close();
    throw error;
  }
}

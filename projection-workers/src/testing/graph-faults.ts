import { setTimeout as delay } from "node:timers/promises";
import { type EdgeChange, isLedgerError, NO_REVISION, type PaymentGraph, type ProjectionStore } from "ledger-core";
import { completeGraph, type GremlinClient, openBooks, openGremlin } from "ledger-core/gremlin";
import { examples, type GremlinServer, seeded } from "ledger-core/testing";
import { type CosmosProxy, startCosmosProxy } from "ledger-core/testing/engines/cosmos";
import { openPaymentGraph } from "query-service";
import { openGremlinGraph } from "query-service/gremlin";
import { openGraphStore } from "../adapters/gremlin/graph-store.ts";
import { paymentGraph } from "../adapters/sqlite/payment-graph.ts";
import { openViewStore } from "../adapters/sqlite/view-store.ts";
import { type GraphHistory, randomGraph } from "./graph-history.ts";

export const graphFaults = [
  ...(["throttled", "changed meanwhile", "cut before", "cut after", "crash before the checkpoint"] as const),
  ...(["silence", "odd frame", "cut link", "emptied"] as const),
];
type GraphFault = (typeof graphFaults)[number];

export type GraphFaultRun = {
  readonly server: GremlinServer;
  readonly seed: number;
  readonly events: number;
  /** Faults in the order they are played. */
  readonly faults: readonly GraphFault[];
  /** The folder of the file that the graph is compared with. */
  readonly folder: string;
  /** Workers that write the same history at once. Default 2. */
  readonly workers?: number;
  /** Changes a worker's client, to prove that the comparison notices a fault of the adapter. */
  readonly sabotage?: (client: GremlinClient) => GremlinClient;
  readonly tell?: (text: string) => void;
};

/**
 * Plays faults while workers write the same history at once, and then compares the graph with the history and with
 * the file adapter. Returns what differs.
 */
export async function playGraphFaults(run: GraphFaultRun): Promise<readonly string[]> {
  const { server, seed, events, faults, workers = 2, sabotage = (client) => client, tell = () => undefined } = run;
  const next = seeded(seed);
  const history = randomGraph(seed, events);
  await emptyGraph(server);
  const proxy = await startCosmosProxy({ upstream: () => server.port });
  const clients = Array.from({ length: workers }, () => sabotage(openGremlin(proxy, { requestMs: 2000 })));
  const stores = clients.map((client) => openGraphStore(client));
  try {
    for (const [round, fault] of faults.entries()) {
      const upTo = Math.floor((events * (round + 1)) / faults.length) - 1;
      tell(`${fault}, until revision ${upTo}`);
      const mended = play(fault, { proxy, server, next });
      await Promise.all(stores.map((store) => advance(store, history.changes, upTo, next)));
      await mended;
      proxy.mend();
    }
    await Promise.all(stores.map((store) => advance(store, history.changes, events - 1, next)));
    return await differences({ server, proxy, history, folder: run.folder });
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    await proxy.close();
  }
}

type Played = { readonly proxy: CosmosProxy; readonly server: GremlinServer; readonly next: (below: number) => number };

async function play(fault: GraphFault, { proxy, server, next }: Played): Promise<void> {
  const times = 1 + next(5);
  switch (fault) {
    case "throttled":
      return proxy.plant({ kind: "refuse", status: 429, retryAfter: "00:00:00.0100000", times: 10 * times });
    case "changed meanwhile":
      return proxy.plant({ kind: "refuse", status: 412, retryAfter: "00:00:00.0010000", times });
    case "cut before":
      return proxy.plant({ kind: "cut", text: /addE/, times });
    case "cut after":
      return proxy.plant({ kind: "cut", text: /addE|addV/, when: "after", times });
    case "crash before the checkpoint":
      return proxy.plant({ kind: "cut", text: /has\('revision',a\)/, when: next(2) === 0 ? "before" : "after", times });
    case "silence":
      return proxy.plant({ kind: "silence", text: /addE/ });
    case "odd frame":
      return proxy.plant({ kind: "odd", frame: "\0odd", text: /addE/, when: "after", times });
    case "cut link":
      server.faults?.link.cut();
      await delay(next(100));
      return server.faults?.link.mend();
    case "emptied":
      await server.faults?.kill();
      return server.faults?.start();
    default:
      return fault satisfies never;
  }
}

/** As a consumer does: after a fault, the checkpoint tells where to go on. */
async function advance(
  store: ProjectionStore<EdgeChange>,
  changes: readonly EdgeChange[],
  upTo: number,
  next: (below: number) => number,
): Promise<void> {
  while (true) {
    try {
      const at = await store.checkpoint(0);
      if (at >= upTo) return;
      const until = Math.min(at + 1 + next(300), upTo);
      await store.apply(0, at, until, changes.slice(at + 1, until + 1));
    } catch (error) {
      if (!isLedgerError(error, "store_unavailable") && !isLedgerError(error, "revision_gap")) throw error;
      await delay(5);
    }
  }
}

async function emptyGraph(server: Pick<GremlinServer, "host" | "port">): Promise<void> {
  const client = openGremlin(server);
  await client.submit("g.V().drop()", {});
  await client.close();
}

const DIFFERENCES_MAX = 5;

type Compared = {
  readonly server: Pick<GremlinServer, "host" | "port">;
  readonly proxy: Pick<CosmosProxy, "host" | "port">;
  readonly history: GraphHistory;
  readonly folder: string;
};

/**
 * The first differences between a graph and the history that it was made from, and between the answers of the server,
 * of the server as Cosmos DB, and of the file adapter.
 */
async function differences({ server, proxy, history, folder }: Compared): Promise<readonly string[]> {
  const clients = [openGremlin(server), openGremlin(proxy)] as const;
  const graphs = clients.map((client) => openGremlinGraph(client, { limitMs: 60_000 }));
  const file = `${folder}/graph-${history.changes.length}.sqlite`;
  const written = openViewStore(paymentGraph, { file });
  const read = openPaymentGraph({ file });
  try {
    await completeGraph(clients[0], await openBooks(clients[0]));
    await written.apply(0, NO_REVISION, history.changes.length - 1, history.changes);
    const found = await rowDifferences(openGraphStore(clients[0]), history);
    for (const graph of graphs) found.push(...(await answerDifferences(graph, read, history)));
    return found.slice(0, DIFFERENCES_MAX);
  } finally {
    for (const graph of graphs) await graph.close();
    await read.close();
    await written.close();
  }
}

async function rowDifferences(store: ProjectionStore<EdgeChange>, { left }: GraphHistory): Promise<string[]> {
  const found: string[] = [];
  const seen = new Set<string>();
  const read = store.rows(await store.served());
  for (
    let rows = await read("graph_edges", undefined);
    rows.length > 0;
    rows = await read("graph_edges", rows.at(-1))
  ) {
    for (const { event, payer, merchant } of rows) {
      const expected = left.get(String(event));
      if (expected?.payer !== payer || expected?.merchant !== merchant) found.push(`edge of ${event}: not expected`);
      if (seen.has(String(event))) found.push(`edge of ${event}: twice`);
      seen.add(String(event));
    }
  }
  for (const event of left.keys()) if (!seen.has(event)) found.push(`edge of ${event}: missing`);
  return found;
}

/** Accounts that the others are compared for, at most. */
const ASKED_MAX = 300;

async function answerDifferences(one: PaymentGraph, other: PaymentGraph, { payers }: GraphHistory): Promise<string[]> {
  const found: string[] = [];
  const every = Math.max(1, Math.floor(payers.length / ASKED_MAX));
  for (const payer of payers.filter((_, n) => n % every === 0)) {
    const answers = await Promise.all([one, other].map((graph) => graph.recommend(examples.TENANT, payer, 10)));
    const [mine, theirs] = answers.map((answer) => JSON.stringify(answer));
    if (mine !== theirs) found.push(`recommendations to ${payer}: ${mine} instead of ${theirs}`);
  }
  return found;
}

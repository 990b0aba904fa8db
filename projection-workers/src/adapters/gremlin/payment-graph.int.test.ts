import { type EdgeChange, entryId, rebrand } from "ledger-core";
import { openGremlin } from "ledger-core/gremlin";
import {
  examples,
  findGremlin,
  type GremlinServer,
  paymentGraphSuite,
  projectionStoreSuite,
  startGremlin,
} from "ledger-core/testing";
import { startCosmosProxy } from "ledger-core/testing/engines/cosmos";
import { openGremlinGraph } from "query-service/gremlin";
import { afterAll, beforeAll, describe } from "vitest";
import { openGraphStore } from "./graph-store.ts";

const { accountId, START, TENANT } = examples;
const source = await findGremlin();

type Address = { readonly host: string; readonly port: number };

/** Each event adds an edge, or shuts the first payer's merchant, or ends the edge before. */
const edges = Array.from({ length: 30 }, (_, n): EdgeChange => {
  const id = entryId(START + n * 1000, { shard: 0, revision: n }, 0);
  const before = entryId(START + (n - 1) * 1000, { shard: 0, revision: n - 1 }, 0);
  const [event, payer] = [rebrand("evt", id), accountId(1)];
  if (n % 7 === 6) return { kind: "standing", merchant: accountId(n), open: false, event };
  return n % 5 === 4
    ? { kind: "retracted", payment: rebrand("pay", before), payer, merchant: accountId(1 + n), event }
    : { kind: "paid", tenant: TENANT, payment: rebrand("pay", id), payer, merchant: accountId(2 + n), event };
});

/** A store and a reader on an emptied graph. */
async function openBoth(address: () => Address) {
  const clients = [openGremlin(address()), openGremlin(address())] as const;
  await clients[0].submit("g.V().drop()", {});
  const opened = () => ({
    target: openGraphStore(clients[0]),
    store: openGraphStore(clients[0]),
    graph: openGremlinGraph(clients[1]),
  });
  return {
    ...opened(),
    reopen: async () => opened(),
    dispose: async () => void (await Promise.all(clients.map((client) => client.close()))),
  };
}

describe.skipIf(source.kind === "none")("payment graph on a Gremlin Server", () => {
  let server: GremlinServer;
  let proxy: Awaited<ReturnType<typeof startCosmosProxy>>;
  const login = { username: "/dbs/ledger/colls/payments", key: "Zm9yIHRlc3RzIG9ubHk=" };
  beforeAll(async () => {
    server = await startGremlin(source);
    proxy = await startCosmosProxy({ upstream: () => server.port, login });
  });
  afterAll(async () => {
    await proxy.close();
    await server.stop();
  });
  const behindProxy = () => ({
    host: proxy.host,
    port: proxy.port,
    login: { ...login, key: { reveal: () => login.key } },
  });

  paymentGraphSuite("Gremlin Server", () => openBoth(() => server), false);
  paymentGraphSuite("as Cosmos DB", () => openBoth(behindProxy), false);
  projectionStoreSuite(
    "payment graph, Gremlin Server",
    { events: edges.map((edge) => [edge]), poison: null },
    async () => {
      const { store, reopen, dispose } = await openBoth(() => server);
      return { store, reopen: async () => (await reopen()).store, dispose };
    },
  );
});

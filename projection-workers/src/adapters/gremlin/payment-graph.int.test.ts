import { type EdgeChange, entryId, rebrand } from "ledger-core";
import { completeGraph, openBooks, openGremlin } from "ledger-core/gremlin";
import {
  examples,
  findGremlin,
  type GremlinServer,
  paymentGraphSuite,
  projectionStoreSuite,
  startGremlin,
} from "ledger-core/testing";
import { startCosmosProxy } from "ledger-core/testing/engines/cosmos";
import { openPaymentGraph } from "query-service";
import { openGremlinGraph } from "query-service/gremlin";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { testFolder } from "../../testing/stores.ts";
import { paymentGraph } from "../sqlite/payment-graph.ts";
import { openViewStore } from "../sqlite/view-store.ts";
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
  await completeGraph(clients[0], await openBooks(clients[0]));
  const opened = () => ({
    target: openGraphStore(clients[0]),
    store: openGraphStore(clients[0]),
    graph: openGremlinGraph(clients[1], { limitMs: 60_000 }),
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

  test("a graph that is empty, or not filled yet, is not read", async () => {
    const { graph, dispose } = await openBoth(() => server);
    onTestFinished(dispose);
    const client = openGremlin(server);
    onTestFinished(() => client.close());
    const unavailable = { code: "store_unavailable", retryable: true };
    await client.submit("g.V().drop()", {});
    await expect(graph.recommend(TENANT, accountId(1), 10)).rejects.toMatchObject(unavailable);
    const books = await openBooks(client);
    await expect(graph.positions()).rejects.toMatchObject(unavailable);
    await completeGraph(client, books);
    expect(await graph.recommend(TENANT, accountId(1), 10)).toEqual({ recommendations: [], positions: [] });
  });

  test("edges back from a merchant are trimmed, and recommendations stay the same", async () => {
    const { store, graph, dispose } = await openBoth(() => server);
    onTestFinished(dispose);
    const folder = await testFolder();
    const file = openViewStore(paymentGraph, { file: `${folder}/views.sqlite` });
    const filed = openPaymentGraph({ file: `${folder}/views.sqlite` });
    onTestFinished(() => Promise.all([filed.close(), file.close()]).then(() => undefined));
    // Nine of ten payments go to the first shop; the others tell its payers apart.
    const changes = Array.from({ length: 2500 }, (_, n): EdgeChange => {
      const event = rebrand("evt", entryId(START + n * 1000, { shard: 0, revision: n }, 0));
      const merchant = accountId(n % 10 < 9 ? 9000 : 9001 + (n % 40));
      return {
        kind: "paid",
        tenant: TENANT,
        payment: rebrand("pay", event),
        payer: accountId(1 + (n >> 1)),
        merchant,
        event,
      };
    });
    for (const target of [store, file]) {
      await target.apply(0, -1, 2299, changes.slice(0, 2300));
      await target.apply(0, 2299, 2499, changes.slice(2300));
    }
    for (const n of [1, 2, 700, 1200])
      expect(await graph.recommend(TENANT, accountId(n), 30)).toEqual(await filed.recommend(TENANT, accountId(n), 30));
    const client = openGremlin(server);
    onTestFinished(() => client.close());
    const [back] = await client.submit("g.E().hasLabel('paidBy').has('merchant',m).count()", { m: accountId(9000) });
    expect(back).toBeLessThan(2001);
    expect(back).toBeGreaterThan(1199);
  }, 180_000);

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

import { type AccountId, type EdgeChange, idBody, makeId, NO_REVISION, rebrand } from "ledger-core";
import { completeGraph, type GremlinClient, openBooks, openGremlin } from "ledger-core/gremlin";
import { findGremlin, startGremlin } from "ledger-core/testing/engines/gremlin";
import { openGraphStore } from "projection-workers/gremlin";
import { openGremlinGraph } from "query-service/gremlin";
import { BenchFault } from "../checks.ts";
import { type Figure, figure } from "../figure.ts";
import type { Scale } from "../scale.ts";

const EDGES = 50_000;
const PAYERS = 8000;
const MERCHANTS = 2000;
const BATCH = 1000;
const START_US = 1_790_000_000_000_000;
const TENANT = "bench";
/** Until Java has optimized what a recommendation runs. */
const WARM_UP = 1500;

/**
 * Measures the payment graph on a Gremlin Server: how fast it is filled, beside as many requests that do nothing, and
 * how long a recommendation takes among 50,000 payments, an eighth of them to one merchant.
 */
export async function measureGraph(_folder: string, { kind }: Scale): Promise<Figure[]> {
  const source = await findGremlin();
  if (source.kind === "none") {
    process.stderr.write(`no figures of the graph: ${source.reason}\n`);
    return [];
  }
  const server = await startGremlin(source, { heapMiB: 1024, optimizes: true });
  // Past the harness's link, which would share this process's core.
  const client = openGremlin({ host: server.host, port: server.faults?.port() ?? server.port });
  try {
    const empty = await emptyRequests(client, 5000);
    const seconds = await fill(client);
    const times = await recommend(client, kind === "quick" ? 300 : 2000);
    const at = (share: number) => times[Math.floor(times.length * share)] ?? Number.NaN;
    return [
      figure("graph", "payments written to a Gremlin Server", {
        ...{ value: EDGES / seconds, unit: "payments/s", note: "two edges each, 8 requests at a time" },
        beside: [{ name: "requests that do nothing", value: empty }],
      }),
      figure("graph", "a recommendation among 50,000 payments, p99", { value: at(0.99), unit: "ms", atMost: 20 }),
      figure("graph", "its median", { value: at(0.5), unit: "ms" }),
    ];
  } finally {
    await client.close();
    await server.stop();
  }
}

/** Requests per second, as many at a time as the client allows. */
async function emptyRequests(client: GremlinClient, count: number): Promise<number> {
  const all = () => Promise.all(Array.from({ length: count }, (_, n) => client.submit("g.inject(n)", { n })));
  await all();
  const startMs = performance.now();
  await all();
  return (count * 1000) / (performance.now() - startMs);
}

async function fill(client: GremlinClient): Promise<number> {
  const store = openGraphStore(client);
  const startMs = performance.now();
  for (let at = NO_REVISION; at < EDGES - 1; at += BATCH)
    await store.apply(
      0,
      at,
      at + BATCH,
      Array.from({ length: BATCH }, (_, n) => payment(at + 1 + n)),
    );
  const seconds = (performance.now() - startMs) / 1000;
  await completeGraph(client, await openBooks(client));
  return seconds;
}

/** The nth payment; the same in every run. */
function payment(n: number): EdgeChange {
  const dice = Math.imul(n + 1, 2_654_435_761) >>> 0;
  const event = makeId("evt", idBody(START_US + n * 1000, { shard: 0, revision: n }, 1));
  const merchant = account(PAYERS + (dice % 8 === 0 ? 0 : 1 + (Math.floor(dice / 8) % (MERCHANTS - 1))));
  const payer = account(Math.floor(dice / 7) % PAYERS);
  return { kind: "paid", tenant: TENANT, payment: rebrand("pay", event), payer, merchant, event };
}

function account(n: number): AccountId {
  return makeId("acct", idBody(START_US - 1_000_000, { shard: 0, revision: n }, 1));
}

/** The times of recommendations to different payers, one after another, in ms, the shortest first. */
async function recommend(client: GremlinClient, count: number): Promise<readonly number[]> {
  const graph = openGremlinGraph(client, { limitMs: 60_000 });
  const times: number[] = [];
  let found = 0;
  for (let n = -WARM_UP; n < count; n++) {
    const startMs = performance.now();
    const { recommendations } = await graph.recommend(TENANT, account((n + WARM_UP) % PAYERS), 10);
    found += recommendations.length;
    if (n >= 0) times.push(performance.now() - startMs);
  }
  if (found < count) throw new BenchFault(`the graph recommends ${found} merchants to ${count} payers`);
  return times.sort((one, other) => one - other);
}

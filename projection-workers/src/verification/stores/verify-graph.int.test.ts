import { join } from "node:path";
import { rebrand } from "ledger-core";
import { openSqliteLog } from "ledger-core/event-log";
import { fieldOf, type GremlinClient, type GremlinValue, openGremlin } from "ledger-core/gremlin";
import { examples, randomHistory, seeded } from "ledger-core/testing";
import { findGremlin, type GremlinServer, startGremlin } from "ledger-core/testing/engines/gremlin";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { graphServer, graphServerToCompare } from "../../projections/list.ts";
import { appendAll, testFolder, toTheEnd } from "../../testing/stores.ts";
import { verifyStores } from "./verify-stores.ts";

const source = await findGremlin();
const seed = Math.floor(Math.random() * 2 ** 31);
const events = randomHistory(seed, 250);
const tables: Readonly<Record<string, string>> = { paid: "graph_edges", paidBy: "graph_back", shut: "graph_shut" };

type Drawn = { readonly label: string; readonly edge: GremlinValue };
/** A change to one edge, and how the report names it. */
type Change = (client: GremlinClient, drawn: Drawn) => Promise<{ readonly kind: string; readonly event?: unknown }>;

const oneEdge = "g.E().hasLabel(l).has('event',v)";
const copied =
  "g.V().has('id',a).addE(l).to(__.V().has('id',b)).property('id',k).property('event',v).property('tenant',t)" +
  ".property('payment',q).property('payer',f).property('merchant',m).property('revision',r).property('until',u)";

/** The bindings of a copy of an edge. */
function copyOf({ label, edge }: Drawn, changed: Record<string, string>) {
  const names = { v: "event", t: "tenant", q: "payment", f: "payer", m: "merchant" } as const;
  const texts = Object.entries(names).map(([short, name]) => [short, String(fieldOf(edge, name))]);
  const numbers = { r: Number(fieldOf(edge, "revision")), u: Number(fieldOf(edge, "until")) };
  const [payer, merchant] = [`1:${fieldOf(edge, "payer")}`, `1:${fieldOf(edge, "merchant")}`];
  const ends = { a: label === "paid" ? payer : merchant, b: label === "paidBy" ? payer : merchant };
  return { l: label, ...ends, ...Object.fromEntries(texts), ...numbers, ...changed };
}

const changes: Readonly<Record<string, Change>> = {
  async missing(client, { label, edge }) {
    await client.submit(`${oneEdge}.drop()`, { l: label, v: String(fieldOf(edge, "event")) });
    return { kind: "missing", event: fieldOf(edge, "event"), live: null };
  },
  async doubled(client, drawn) {
    await client.submit(copied, copyOf(drawn, { k: "doubled" }));
    return { kind: "changed", event: fieldOf(drawn.edge, "event"), fields: ["copies"] };
  },
  async surplus(client, drawn) {
    const event = rebrand("evt", examples.accountId(events.length));
    await client.submit(copied, copyOf(drawn, { k: "surplus", v: event }));
    return { kind: "surplus", key: expect.stringContaining(event), right: null };
  },
  async "with another retraction"(client, { label, edge }) {
    // No edge ends with the event that it begins with.
    const found = Number(fieldOf(edge, "revision"));
    await client.submit(`${oneEdge}.property('until',u)`, { l: label, v: String(fieldOf(edge, "event")), u: found });
    const live = expect.objectContaining({ until: `${found}` });
    return { kind: "changed", event: fieldOf(edge, "event"), fields: ["until"], live };
  },
  async "of another tenant"(client, { label, edge }) {
    await client.submit(`${oneEdge}.property('tenant',t)`, { l: label, v: String(fieldOf(edge, "event")), t: "other" });
    return { kind: "changed", event: fieldOf(edge, "event"), fields: ["tenant"], account: fieldOf(edge, "payer") };
  },
};

describe.skipIf(source.kind === "none")("a payment graph on a Gremlin server", () => {
  let server: GremlinServer;
  beforeAll(async () => {
    server = await startGremlin(source);
  });
  afterAll(() => server.stop());

  test(`equal; then each changed edge is found and named (seed ${seed})`, { timeout: 180_000 }, async () => {
    const folder = await testFolder();
    const log = await openSqliteLog({ file: join(folder, "events.sqlite") });
    onTestFinished(() => log.close());
    await appendAll(log, events);
    const target = { kind: "gremlin", host: server.host, port: server.port } as const;
    const client = openGremlin(target);
    onTestFinished(() => client.close());
    const groups = [await graphServerToCompare("graph", target)];
    const tuning = { fillMax: 100, pauseMs: 0, waitMs: 0 };
    const verified = () => verifyStores({ log, shards: [0], groups, scratch: folder, tuning });

    expect((await verified()).verdict, "empty").toBe("unknown");
    const opened = await graphServer(target).open();
    for (const projected of opened.projections) await toTheEnd(projected, log, events.length - 1);
    expect((await verified()).verdict, "not complete").toBe("unknown");
    await opened.complete();
    await opened.close();
    expect(await verified()).toMatchObject({ verdict: "equal", stores: [{ store: "graph", verdict: "equal" }] });

    const draw = await drawEdges(client, seeded(seed));
    for (const [n, [kind, change]] of Object.entries(changes).entries()) {
      const drawn = draw(kind === "of another tenant" ? ["paid", "paidBy"] : Object.keys(tables));
      const named = await change(client, drawn);
      const { verdict, stores } = await verified();
      const told = JSON.stringify({ kind, drawn, stores }, (_, cell) => (typeof cell === "bigint" ? `${cell}` : cell));
      expect(verdict, told).toBe("differs");
      expect(stores[0]?.differing, told).toBe(n + 1);
      expect(stores[0]?.findings, told).toContainEqual(
        expect.objectContaining({ table: tables[drawn.label], ...named }),
      );
      if (n === 0) expect(stores[0]?.first, told).toMatchObject({ table: tables[drawn.label], event: named.event });
    }
  });
});

/** Draws edges with given labels, each event once. */
async function drawEdges(client: GremlinClient, next: (below: number) => number) {
  const fields = ["tenant", "payment", "payer", "merchant", "event", "revision", "until"];
  const values = fields.map((name) => `.by(__.coalesce(__.values('${name}'),__.constant('')))`).join("");
  const project = `project(${fields.map((name) => `'${name}'`).join(",")})${values}`;
  const drawn = new Set<GremlinValue | undefined>();
  const edges: Drawn[] = [];
  for (const label of Object.keys(tables))
    for (const edge of await client.submit(`g.E().hasLabel(l).order().by('event').${project}`, { l: label }))
      edges.push({ label, edge });
  return (labels: readonly string[]): Drawn => {
    const left = edges.filter(({ label, edge }) => labels.includes(label) && !drawn.has(fieldOf(edge, "event")));
    const one = left[next(left.length)];
    if (!one) throw new Error("there is an edge that was not drawn");
    drawn.add(fieldOf(one.edge, "event"));
    return one;
  };
}

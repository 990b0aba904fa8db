import { type AccountId, type Build, type EdgeChange, LedgerError, unreachable } from "ledger-core";
import { FOREVER, type GremlinBindings, type GremlinClient, placeOf } from "ledger-core/gremlin";
import { numberOfId } from "ledger-core/sql";
import { trimPayers } from "./trimming.ts";

type Paid = Extract<EdgeChange, { kind: "paid" }>;
type Shut = Extract<EdgeChange, { kind: "standing" }>;

/** The vertices that exist, and how many payers' edges were added to a merchant since they were last counted. */
export type KnownVertices = { readonly vertices: Set<AccountId>; readonly added: Map<AccountId, number> };

/** The most vertices that are remembered. */
const KNOWN_MAX = 100_000;

export function knowNothing(): KnownVertices {
  return { vertices: new Set(), added: new Map() };
}

const vertexText =
  "g.V().has('pk',p).has('id',i).fold()" +
  ".coalesce(__.unfold(),__.addV('account').property('id',i).property('pk',p)).count()";
const facts =
  ".property('tenant',t).property('payment',q).property('payer',f).property('merchant',m)" +
  ".property('event',v).property('revision',r).property('until',u)";
const toMerchant = `.addE('paid').to(__.V().has('pk',c).has('id',d)).property('id',e)${facts}`;
const toPayer = `.addE('paidBy').to(__.V().has('pk',a).has('id',b)).property('id',k)${facts}`;
const paidText = `g.V().has('pk',a).has('id',b)${toMerchant}.count()`;
const paidByText = `g.V().has('pk',c).has('id',d)${toPayer}.count()`;
const bothText = `g.V().has('pk',a).has('id',b)${toMerchant}.inV()${toPayer}.count()`;
const shutText =
  "g.V().has('pk',c).has('id',d).addE('shut').to(__.V().has('pk',c).has('id',d)).property('id',e)" +
  ".property('merchant',m).property('event',v).property('revision',r).property('until',u).count()";
const endText = (label: string, of: string) =>
  `g.V().has('pk',p).has('id',i).outE('${label}')${of}` +
  ".has('revision',lt(r)).has('until',gt(r)).property('until',r).count()";
const endPaidText = endText("paid", ".has('payment',q)");
const endPaidByText = endText("paidBy", ".has('payment',q)");
const endShutText = endText("shut", "");

/**
 * Writes changes into a build: vertices, then edges, then the ends of edges; within each, in any order and at once.
 * Every write has the same effect when it is repeated, late, or made by two workers.
 * @throws store_unavailable
 */
export async function writeChanges(
  client: GremlinClient,
  build: Build,
  known: KnownVertices,
  changes: readonly EdgeChange[],
): Promise<void> {
  const accounts = new Set<AccountId>();
  for (const change of changes) {
    if (change.kind !== "standing") accounts.add(change.payer);
    accounts.add(change.merchant);
  }
  if (known.vertices.size + accounts.size > KNOWN_MAX) known.vertices.clear();
  await Promise.all([...accounts].map((account) => addVertex(client, build, known, account)));
  await Promise.all(changes.map((change) => addEdges(client, build, change)));
  await Promise.all(changes.map((change) => endEdges(client, build, change)));
  await trimPayers(client, build, known.added, merchantsPaid(changes));
}

async function addVertex(client: GremlinClient, build: Build, { vertices }: KnownVertices, account: AccountId) {
  if (vertices.has(account)) return;
  const { partition, id } = placeOf(build, account);
  requireOne(await client.submit(vertexText, { p: partition, i: id }));
  vertices.add(account);
}

async function addEdges(client: GremlinClient, build: Build, change: EdgeChange): Promise<void> {
  switch (change.kind) {
    case "paid": {
      const bindings = paidBindings(build, change);
      const added = await client.add(bothText, bindings);
      if (added !== "exists") return requireOne(added);
      // An earlier attempt may have added one without the other.
      const { k, ...paid } = bindings;
      const { e, ...paidBy } = bindings;
      requireOne(await client.add(paidText, paid));
      return requireOne(await client.add(paidByText, paidBy));
    }
    case "standing":
      if (!change.open) requireOne(await client.add(shutText, shutBindings(build, change)));
      return;
    case "retracted":
      return;
    default:
      unreachable(change);
  }
}

async function endEdges(client: GremlinClient, build: Build, change: EdgeChange): Promise<void> {
  if (change.kind === "paid" || (change.kind === "standing" && !change.open)) return;
  const at = (account: AccountId) => {
    const { partition, id } = placeOf(build, account);
    return { p: partition, i: id, r: numberOfId(change.event) };
  };
  if (change.kind === "standing") return void (await client.submit(endShutText, at(change.merchant)));
  await Promise.all([
    client.submit(endPaidText, { ...at(change.payer), q: change.payment }),
    client.submit(endPaidByText, { ...at(change.merchant), q: change.payment }),
  ]);
}

function paidBindings(build: Build, { tenant, payment, payer, merchant, event }: Paid) {
  const [from, to] = [placeOf(build, payer), placeOf(build, merchant)];
  return {
    ...{ a: from.partition, b: from.id, c: to.partition, d: to.id },
    ...{ e: `${build.version}:${event}`, k: `${build.version}:${event}:back`, t: tenant, q: payment, f: payer },
    ...{ m: merchant, v: event, r: numberOfId(event), u: FOREVER },
  };
}

function shutBindings(build: Build, { merchant, event }: Shut): GremlinBindings {
  const { partition, id } = placeOf(build, merchant);
  const edge = { e: `${build.version}:${event}`, m: merchant, v: event, r: numberOfId(event), u: FOREVER };
  return { c: partition, d: id, ...edge };
}

/** How many edges were added to each merchant. */
function merchantsPaid(changes: readonly EdgeChange[]): ReadonlyMap<AccountId, number> {
  const counts = new Map<AccountId, number>();
  for (const change of changes)
    if (change.kind === "paid") counts.set(change.merchant, (counts.get(change.merchant) ?? 0) + 1);
  return counts;
}

/** A traversal that starts at a missing vertex adds nothing and is no error. */
function requireOne(added: readonly unknown[] | "exists"): void {
  if (added !== "exists" && added[0] !== 1)
    throw new LedgerError("store_unavailable", "the graph lost vertices that were in it", { retryable: true });
}

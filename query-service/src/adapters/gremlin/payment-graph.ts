import {
  type AccountId,
  type Build,
  EVIDENCE_MAX,
  FAN_OUT_MAX,
  LedgerError,
  type PaymentGraph,
  parseId,
  type Recommendation,
} from "ledger-core";
import { FOREVER, type GraphBooks, type GremlinClient, listsIn, placeOf, readBooks } from "ledger-core/gremlin";
import { systemRuntime } from "ledger-core/process";

/** The most edges back to its payers that are looked at of one merchant; the graph keeps at least as many. */
const LOOKED_AT_MAX = 5 * FAN_OUT_MAX;
/** The most payments of one payer that are looked at. */
const PAYMENTS_MAX = 10_000;
/** How many merchants more than asked for are ranked, since some may be shut. */
const SPARE = 20;
/** Merchants that one request checks. A server takes 64 bindings. */
const CHECKED_AT_ONCE = 30;

/**
 * The newest edge of each neighbor, the newest first, among as many edges as the variable `most` says. Without that
 * limit, TinkerPop drops duplicates before it sorts.
 */
const newest = (of: string, most: string) => `.order().by('event',desc).limit(${most}).dedup().by('${of}')`;

/**
 * From an account to the merchants that it paid, to others who paid these, to merchants that they paid and it did not;
 * cuts keep the newest. One map: by merchant the events, one of each other who paid it, so at most FAN_OUT_MAX². They
 * are ranked here, since a server takes a quarter of the whole to do it.
 */
const foundText =
  `g.V().has('pk',p).has('id',i).outE('paid').has('tenant',t).has('until',u)${newest("merchant", "y")}` +
  ".aggregate('x').by('merchant')" +
  ".limit(f).inV()" +
  `.local(__.outE('paidBy').has('until',u)${newest("payer", "l")}.limit(f))` +
  // One more than the bound, since the account itself is among them.
  `${newest("payer", "z")}.limit(o).has('payer',neq(s)).inV()` +
  `.local(__.outE('paid').has('until',u)${newest("merchant", "y")}.limit(f))` +
  ".has('merchant',neq(s)).where(__.values('merchant').where(without('x')))" +
  ".group().by('merchant').by(__.values('event').fold())";

const names = Array.from({ length: CHECKED_AT_ONCE }, (_, n) => n);
const paidText =
  "g.V().has('pk',p).has('id',i).outE('paid').has('until',u)" +
  `.has('merchant',within(${names.map((n) => `m${n}`)})).values('merchant').dedup()`;
const shutText =
  `g.V().has('pk',within(${names.map((n) => `p${n}`)})).has('id',within(${names.map((n) => `i${n}`)}))` +
  ".outE('shut').has('until',u).values('merchant').dedup()";

export type GraphReading = {
  /** Time limit of a query, in ms. 10 to 60,000. Default 2000. */
  readonly limitMs?: number;
};

/** Reads the payment graph from a Gremlin server that projection-workers fill. */
export function openGremlinGraph(client: GremlinClient, { limitMs = 2000 }: GraphReading = {}): PaymentGraph {
  const books = async (deadlineMs: number): Promise<GraphBooks> => {
    const read = await readBooks(client, { deadlineMs });
    if (read?.complete) return read;
    throw new LedgerError("store_unavailable", "the graph is being filled", { retryable: true });
  };
  async function inServedBuild<Result>(work: (read: Read) => Promise<Result>) {
    const deadlineMs = systemRuntime.elapsedMs() + limitMs;
    let before = await books(deadlineMs);
    while (true) {
      const result = await work({ client, deadlineMs, build: before.served });
      // The build that was read may have been dropped meanwhile, after another was served, or the graph emptied.
      const after = await books(deadlineMs);
      if (after.born === before.born && after.served.version === before.served.version)
        return { result, positions: before.positions(before.served) };
      before = after;
    }
  }
  return {
    async recommend(tenant, account, limit) {
      const { result, positions } = await inServedBuild((read) => recommend(read, tenant, account, limit));
      return { recommendations: result, positions };
    },
    async paidAmong(account, merchants) {
      return (await inServedBuild((read) => paidAmong(read, account, merchants))).result;
    },
    async positions() {
      const read = await books(systemRuntime.elapsedMs() + limitMs);
      return read.positions(read.served);
    },
    close: () => client.close(),
  };
}

type Read = { readonly client: GremlinClient; readonly deadlineMs: number; readonly build: Build };

async function recommend(
  read: Read,
  tenant: string,
  account: AccountId,
  limit: number,
): Promise<readonly Recommendation[]> {
  const ranked = await rank(read, tenant, account);
  const open: Found[] = [];
  for (let from = 0, most = limit + SPARE; from < ranked.length && open.length < limit; from += most, most *= 4) {
    const best = ranked.slice(from, from + most);
    const merchants = best.map(({ merchant }) => merchant);
    const shut = await shutAmong(read, merchants);
    open.push(...best.filter(({ merchant }) => !shut.has(merchant)));
  }
  return open.slice(0, limit).map(({ merchant, events }) => ({
    merchant,
    score: events.length,
    events: [...events]
      .sort()
      .slice(-EVIDENCE_MAX)
      .reverse()
      .map((event) => idIn("evt", event)),
  }));
}

/** A merchant and the events that say who else paid it. */
type Found = { readonly merchant: AccountId; readonly events: readonly string[] };

/** The best first: those whom most others paid. */
async function rank(
  { client, deadlineMs, build }: Read,
  tenant: string,
  account: AccountId,
): Promise<readonly Found[]> {
  const { partition, id } = placeOf(build, account);
  const bounds = { f: FAN_OUT_MAX, l: LOOKED_AT_MAX, o: FAN_OUT_MAX + 1 };
  const all = { y: PAYMENTS_MAX, z: FAN_OUT_MAX ** 2 };
  const bindings = { p: partition, i: id, t: tenant, u: FOREVER, s: account, ...bounds, ...all };
  const [found = {}] = await client.submit(foundText, bindings, { deadlineMs });
  return [...listsIn(found)]
    .map(([merchant, events]) => ({ merchant: idIn("acct", merchant), events }))
    .sort((one, other) => other.events.length - one.events.length || (one.merchant < other.merchant ? -1 : 1));
}

function idIn<P extends "acct" | "evt">(prefix: P, text: string) {
  const id = parseId(prefix, text);
  if (!id) throw new LedgerError("store_unavailable", "the graph holds an id that is none", { retryable: true });
  return id;
}

/** Those of the merchants that are frozen or closed. */
async function shutAmong(
  { client, deadlineMs, build }: Read,
  merchants: readonly AccountId[],
): Promise<ReadonlySet<string>> {
  const found = await Promise.all(
    chunksOf(merchants).map(async (chunk) => {
      const bindings: Record<string, string | number> = { u: FOREVER };
      for (const [n, merchant] of chunk.entries()) {
        const { partition, id } = placeOf(build, merchant);
        bindings[`p${n}`] = partition;
        bindings[`i${n}`] = id;
      }
      return client.submit(shutText, bindings, { deadlineMs });
    }),
  );
  return new Set(found.flat().map(String));
}

/** Those of the merchants that the account has paid. */
async function paidAmong(
  { client, deadlineMs, build }: Read,
  account: AccountId,
  merchants: readonly AccountId[],
): Promise<ReadonlySet<AccountId>> {
  const { partition, id } = placeOf(build, account);
  const found = await Promise.all(
    chunksOf(merchants).map((chunk) => {
      const named = chunk.map((merchant, n) => [`m${n}`, merchant] as const);
      const bindings = { p: partition, i: id, u: FOREVER, ...Object.fromEntries(named) };
      return client.submit(paidText, bindings, { deadlineMs });
    }),
  );
  return new Set(found.flat().map((merchant) => idIn("acct", String(merchant))));
}

/** As many merchants each as one request checks; the last is filled up with its first. */
function chunksOf(merchants: readonly AccountId[]): readonly (readonly AccountId[])[] {
  const chunks: AccountId[][] = [];
  for (let from = 0; from < merchants.length; from += CHECKED_AT_ONCE) {
    const chunk = merchants.slice(from, from + CHECKED_AT_ONCE);
    const [first] = chunk;
    while (first !== undefined && chunk.length < CHECKED_AT_ONCE) chunk.push(first);
    chunks.push(chunk);
  }
  return chunks;
}

import {
  type Account,
  assert,
  businessDate,
  type Entry,
  entryId,
  idBody,
  makeId,
  type ProjectionTarget,
  parseCurrency,
  type SessionChange,
  type SessionView,
} from "ledger-core";
import { connectRedis, openSessionStore, openSessionView, redisScript } from "ledger-core/redis";
import { findRedis, startRedis } from "ledger-core/testing/engines/redis";
import { BenchFault } from "../checks.ts";
import { type Figure, figure } from "../figure.ts";
import { keepLatencies } from "../load/histogram.ts";
import type { Scale } from "../scale.ts";

const OWNERS = 2000;
const MERCHANTS = 50;
const BATCH = 1000;
/** Batches that are made before the clock runs. */
const AT_ONCE = 20;
const TENANT = "bench";
const START_US = 1_700_000_000_000_000;
const ZONE = "UTC";

/**
 * Session views in Redis on this machine, by TLS: updates by payments, as many as a projection applies at once, and
 * reads of owners in turn. Beside them the same client with a script that does nothing.
 */
export async function measureSessions(_folder: string, scale: Scale): Promise<Figure[]> {
  const source = await findRedis();
  if (source.kind !== "local") throw new BenchFault("sessions need a Redis of this machine: run `npm run engines`");
  const server = await startRedis(source);
  // Past the harness's link, which would share this process's core.
  const nodes = server.nodes.map(({ ports }) => `localhost:${ports.tls}`);
  const redis = connectRedis("session views", { ...server.access, nodes }, { commandMs: 60_000 });
  try {
    const store = openSessionStore({ redis, ledger: "bench" });
    const idle = openSessionStore({ redis, ledger: "idle", applyScript: redisScript("return 'applied'") });
    const begun = await store.begin(0);
    const opened = await openAccounts(store.target(begun));
    const events = Math.ceil(scale.behindPayments / BATCH / AT_ONCE) * BATCH * AT_ONCE;
    const floor = await update(idle.target(begun), opened, events);
    const updates = await update(store.target(begun), opened, events);
    await store.serve(0, begun.generation);
    const view = openSessionView({ redis, ledger: "bench", shards: 1 });
    const reads = await read(scale.historyTurns, (n) => checked(view, n % OWNERS));
    const nothing = redisScript("return 1");
    const trips = await read(scale.historyTurns, () => redis.run(nothing, ["any"], []));
    return [
      figure("P10", "session views in Redis: events applied, 1,000 at a time", {
        ...{ value: updates, unit: "events/s", atLeast: 50_000 },
        beside: [{ name: "the same bytes to a script that does nothing", value: floor }],
      }),
      figure("P10", "session read from Redis: p99", {
        ...{ value: reads.p99Ms, unit: "ms", atMost: 2, note: `p50 ${reads.p50Ms.toFixed(2)} ms` },
        beside: [{ name: "a script that does nothing", value: trips.p99Ms }],
      }),
    ];
  } finally {
    await redis.close();
    await server.stop();
  }
}

/** Opens the wallets, then the merchants, an event each; returns how many. */
async function openAccounts(target: ProjectionTarget<SessionChange>): Promise<number> {
  const accounts = Array.from({ length: OWNERS + MERCHANTS }, (_, n) => accountOf(n));
  const changes = accounts.map((account) => ({ kind: "account", account }) as const);
  await target.apply(0, -1, accounts.length - 1, changes);
  return accounts.length;
}

function accountOf(n: number): Account {
  return {
    ...{ id: accountIdOf(n), tenant: TENANT, type: n < OWNERS ? "wallet" : "merchant", currency, owner: `owner-${n}` },
    ...{ displayName: null, timeZone: ZONE, status: "open", balances: { posted: 0n, held: 0n }, openedAt: START_US },
    limits: { floor: 0n, perTransaction: null, perDay: null },
  };
}

function accountIdOf(n: number) {
  return makeId("acct", idBody(START_US, { shard: 0, revision: n }, 1));
}

const currency = currencyOf("HKD");

function currencyOf(code: string) {
  const known = parseCurrency(code);
  assert(known, `${code} is a currency`);
  return known;
}

/**
 * Applies payments behind the `opened` events, each batch prepared while the one before is applied, as a projection
 * does it; returns the events per second.
 */
async function update(target: ProjectionTarget<SessionChange>, opened: number, events: number): Promise<number> {
  let spentMs = 0;
  for (let from = opened; from < opened + events; from += AT_ONCE * BATCH) {
    const batches = Array.from({ length: AT_ONCE }, (_, batch) =>
      Array.from({ length: BATCH }, (_, n) => paymentAt(from + batch * BATCH + n)).flat(),
    );
    const startMs = performance.now();
    let applying = Promise.resolve();
    for (const [batch, changes] of batches.entries()) {
      target.prepare?.(changes);
      await applying;
      const after = from + batch * BATCH - 1;
      applying = target.apply(0, after, after + BATCH, changes);
    }
    await applying;
    spentMs += performance.now() - startMs;
  }
  return events / (spentMs / 1000);
}

/** The changes of a payment from a wallet to a merchant. */
function paymentAt(revision: number): SessionChange[] {
  const [payer, payee] = [(revision * 7919) % OWNERS, OWNERS + (revision % MERCHANTS)].map(accountIdOf);
  assert(payer && payee, "two accounts");
  const at = START_US + revision * 1000;
  const sides = [
    { account: payer, counterparty: payee, amount: -100n },
    { account: payee, counterparty: payer, amount: 100n },
  ];
  return sides.map(({ account, counterparty, amount }, index): SessionChange => {
    const balanceAfter = BigInt(revision) * amount;
    const entry: Entry = {
      ...{ id: entryId(at, { shard: 0, revision }, index), tenant: TENANT, account, amount, balanceAfter, currency },
      ...{ type: "payment", bookedAt: at, effectiveDate: businessDate(at, ZONE), counterparty, reference: null },
      source: { kind: "payment", id: makeId("pay", idBody(at, { shard: 0, revision }, 1)) },
      position: { shard: 0, revision },
    };
    return { kind: "movement", entry };
  });
}

async function checked(view: SessionView, owner: number): Promise<void> {
  const { accounts, movements } = await view.read(TENANT, `owner-${owner}`);
  if (accounts.length !== 1 || movements.length !== 20)
    throw new BenchFault(`a session has ${accounts.length} accounts and ${movements.length} movements, not 1 and 20`);
}

/** Runs reads one after another. */
async function read(turns: number, one: (n: number) => Promise<unknown>) {
  const latencies = keepLatencies(turns);
  for (let n = 0; n < turns / 10; n++) await one(n);
  for (let n = 0; n < turns; n++) {
    const startMs = performance.now();
    await one(n);
    latencies.add(performance.now() - startMs);
  }
  return latencies.summary();
}

import { inspect } from "node:util";
import { type Client, type ClientReply, revisionOf } from "../client.ts";
import { at, listAt, textAt } from "../json.ts";

/** The clients' view of a window; latencies in milliseconds, from the first attempt to the answer. */
export type LaneResults = {
  readonly commands: number[];
  readonly queries: number[];
  /** Which store answered sessions, and how often. */
  readonly sessions: Record<string, number>;
  /** Lists of recommendations that were answered. */
  recommendations: number;
  /** Answers 503 and 429, which ask to try again. */
  refused: number;
  /** Requests that got no answer: whether they had an effect is unknown, so they are sent again under their key. */
  cut: number;
  /** Why the first of these got none. */
  firstCut?: string;
  /** Broken promises. */
  readonly wrong: string[];
};

/** Counts a request that got no answer. */
export function countCut(results: LaneResults, error: unknown): void {
  results.cut++;
  results.firstCut ??= inspect(error, { depth: 2, breakLength: Number.POSITIVE_INFINITY }).slice(0, 500);
}

/** A wallet, the merchant that it pays most, and one that it pays at times. */
export type LaneAccounts = { readonly wallet: string; readonly shops: readonly [string, string] };
type Paid = { readonly key: string; readonly body: object; readonly text: string };

/** Sends a request until it has an answer that does not ask to try again. */
export type Settle = (ask: () => Promise<ClientReply>) => Promise<ClientReply>;

export type LaneState = {
  readonly client: Client;
  readonly settle: Settle;
  readonly account: LaneAccounts;
  readonly lane: number;
  readonly next: (below: number) => number;
  balance: bigint;
  held: bigint;
  /** Of the last command. */
  position: number;
  paid: readonly Paid[];
};

const KEPT = 50;
const CURRENCY = "HKD";
const WAITING = { "ledger-wait": "2000" };

/**
 * The nth round of a lane: it pays, and reads what it knows to be so; at times something else, too.
 * @param results those of the present window: a fault may begin or end during a round
 */
export async function playRound(state: LaneState, n: number, results: () => LaneResults): Promise<void> {
  const round = { state, results, key: `chaos-${state.lane}-${n}` };
  const paid = await pay(round, n % 3 === 0 ? 1 : 0);
  if (n % 4 === 1) await repeat(round);
  if (n % 6 === 2 && paid) await refund(round, paid);
  if (n % 8 === 3) await hold(round);
  if (n % 10 === 4) await payInBulk(round, n % 20 === 4 ? "each" : "atomic");
  if (n % 5 === 0) await readSession(round);
  else await readBalance(round, n % 5 === 1);
  if (n % 7 === 5) await readRecommendations(round);
}

type Round = { readonly state: LaneState; readonly results: () => LaneResults; readonly key: string };

function expect({ results }: Round, holds: boolean, text: string, reply: ClientReply): void {
  if (!holds) results().wrong.push(`${text}: ${reply.status} ${reply.text.slice(0, 300)}`);
}

/** A new command; its position is after that of the lane's last one. */
async function command(round: Round, path: string, key: string, body: object, status = 201): Promise<ClientReply> {
  const { state, results } = round;
  const fromMs = performance.now();
  const reply = await state.settle(() => state.client.post(path, body, { key }));
  results().commands.push(performance.now() - fromMs);
  const position = revisionOf(reply);
  expect(round, reply.status === status, `${key} is accepted`, reply);
  expect(round, position > state.position, `${key}: its position follows 0:${state.position}`, reply);
  state.position = Math.max(state.position, position);
  return reply;
}

async function query(round: Round, path: string): Promise<ClientReply> {
  const { state, results } = round;
  const fromMs = performance.now();
  const headers = { "ledger-position": `0:${state.position}`, ...WAITING };
  const reply = await state.settle(() => state.client.get(path, headers));
  results().queries.push(performance.now() - fromMs);
  expect(round, reply.status === 200, "a query is answered", reply);
  expect(round, revisionOf(reply) >= state.position, `a query is served at 0:${state.position} or later`, reply);
  return reply;
}

function paymentOf({ account }: LaneState, shop: 0 | 1, amount: bigint, reference: string) {
  const { wallet, shops } = account;
  return { payer: wallet, payee: shops[shop], amount: `${amount}`, currency: CURRENCY, reference };
}

async function pay(round: Round, shop: 0 | 1): Promise<{ readonly id: string; readonly amount: bigint } | undefined> {
  const { state, key } = round;
  const amount = BigInt(1 + state.next(9));
  const body = paymentOf(state, shop, amount, key);
  const reply = await command(round, "/v1/payments", key, body);
  if (reply.status !== 201) return undefined;
  state.balance -= amount;
  state.paid = [{ key, body, text: reply.text }, ...state.paid.slice(0, KEPT - 1)];
  return { id: textAt(reply.body, "id"), amount };
}

async function repeat(round: Round): Promise<void> {
  const { client, settle, paid, next } = round.state;
  const earlier = paid[next(paid.length)];
  if (!earlier) return;
  const again = await settle(() => client.post("/v1/payments", earlier.body, { key: earlier.key }));
  expect(round, again.text === earlier.text, `${earlier.key} again has the same answer`, again);
  const replayed = again.headers.get("idempotency-replayed") === "true";
  expect(round, replayed, `${earlier.key} again is not paid again`, again);
}

async function refund(round: Round, { id, amount }: { readonly id: string; readonly amount: bigint }): Promise<void> {
  const refunded = await command(round, `/v1/payments/${id}/refunds`, `${round.key}-back`, {});
  if (refunded.status === 201) round.state.balance += amount;
}

/** Authorizes a payment, sees the hold, and captures a part of it, which releases the rest. */
async function hold(round: Round): Promise<void> {
  const { state, key } = round;
  const amount = BigInt(10 + state.next(9));
  const body = { ...paymentOf(state, 0, amount, key), capture: "manual" };
  const authorized = await command(round, "/v1/payments", `${key}-hold`, body);
  if (authorized.status !== 201) return;
  state.held += amount;
  await readBalance(round, false);
  const path = `/v1/payments/${textAt(authorized.body, "id")}/capture`;
  const captured = await command(round, path, `${key}-capture`, { amount: "7", final: true }, 200);
  if (captured.status !== 200) return;
  state.held -= amount;
  state.balance -= 7n;
}

async function payInBulk(round: Round, mode: "each" | "atomic"): Promise<void> {
  const { state, key } = round;
  const items = [1n, 2n, 3n].map((amount) => ({
    ...{ idempotencyKey: `${key}-item-${amount}`, command: "payment" },
    ...paymentOf(state, 1, amount, key),
  }));
  const reply = await command(round, "/v1/bulk", `${key}-bulk`, { mode, items }, 200);
  const all = listAt(reply.body, "results").filter((result) => at(result, "status") === 201);
  expect(round, all.length === items.length, `${key}-bulk pays all of its items`, reply);
  state.balance -= 6n;
}

async function readBalance(round: Round, asEntry: boolean): Promise<void> {
  const { account, balance, held } = round.state;
  const read = await query(round, `/v1/accounts/${account.wallet}/${asEntry ? "entries?limit=1" : "balance"}`);
  const posted = asEntry ? at(read.body, "data", 0, "balanceAfter") : at(read.body, "posted");
  expect(round, posted === `${balance}`, `the balance is ${balance}`, read);
  if (!asEntry) expect(round, at(read.body, "held") === `${held}`, `${held} are held`, read);
}

/** Every wallet is the caller's, and so in its session; the other lanes' may be ahead. */
async function readSession(round: Round): Promise<void> {
  const { account, balance } = round.state;
  const read = await query(round, "/v1/me/session");
  const own = listAt(read.body, "accounts").find((one) => at(one, "id") === account.wallet);
  expect(round, at(own, "balances", "posted") === `${balance}`, `in the session, the balance is ${balance}`, read);
  const by = read.headers.get("ledger-served-by") ?? "nobody";
  const { sessions } = round.results();
  sessions[by] = (sessions[by] ?? 0) + 1;
}

/** A graph may be away or being filled for longer than any client waits; other queries go on meanwhile. */
async function readRecommendations(round: Round): Promise<void> {
  const { state, results } = round;
  const { wallet, shops } = state.account;
  const read = await state.client.get(`/v1/accounts/${wallet}/recommendations`, WAITING).catch((error: unknown) => {
    countCut(results(), error);
    return undefined;
  });
  if (!read) return;
  if (read.status === 503) {
    results().refused++;
    expect(round, read.headers.has("retry-after"), "a 503 has Retry-After", read);
  } else {
    expect(round, read.status === 200, "recommendations are answered", read);
    const merchants = listAt(read.body, "data").map((one) => at(one, "merchant"));
    const known = merchants.some((merchant) => shops.some((shop) => shop === merchant));
    expect(round, !known, "no merchant is recommended to those who have paid it", read);
    results().recommendations++;
  }
}

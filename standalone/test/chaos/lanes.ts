import { setTimeout as delay } from "node:timers/promises";
import { type Client, type ClientReply, createClient, revisionOf } from "../client.ts";
import { makeToken } from "../harness.ts";
import { at, listAt, textAt } from "../json.ts";

/** What clients saw in a window; latencies in milliseconds, from the first attempt to the answer. */
export type LaneResults = {
  readonly commands: number[];
  readonly queries: number[];
  /** Answers 503 and 429, which ask to try again. */
  refused: number;
  /** Requests that got no answer: whether they had an effect is unknown, so they are sent again under their key. */
  cut: number;
  /** Broken promises. */
  readonly wrong: string[];
};

export type Lanes = {
  /** Returns the results since the last call. */
  take(): LaneResults;
  /** Waits until every lane has begun and completed a round. */
  round(): Promise<void>;
  /** Lets the rounds that are under way end, and compares all entries with what was paid. */
  end(): Promise<void>;
};

type Account = { readonly wallet: string; readonly shop: string };
type Paid = { readonly key: string; readonly body: object; readonly text: string; readonly id: string };

const FUNDS = 1_000_000_000n;
const KEPT = 50;
/** Shorter than a client in production would wait, so that requests under faults are repeated often. */
const ANSWER_MS = 5_000;

/**
 * Clients with a wallet each, which pay, refund, repeat keys and read back at the position of their last command. Each
 * knows its balance beforehand, so that every answer is checked.
 */
export async function startLanes(options: {
  readonly url: string;
  readonly data: string;
  readonly lanes: number;
  readonly next: (below: number) => number;
}): Promise<Lanes> {
  const { url, data, next } = options;
  const token = await makeToken(data, "operator", "chaos", "default");
  const client = createClient({ url, revision: -1 }, token, ANSWER_MS);
  let results = emptyResults();
  let ended = false;
  const rounds = new Set<(lane: number, beganMs: number) => void>();
  const settle: Settle = (ask) => settled(ask, results);
  const accounts = await Promise.all(Array.from({ length: options.lanes }, (_, n) => openAccounts(client, n)));

  async function run(lane: number, account: Account): Promise<bigint> {
    const state: LaneState = { client, settle, account, lane, next, balance: FUNDS, position: -1, paid: [] };
    for (let n = 0; !ended; n++) {
      const beganMs = performance.now();
      await playRound(state, n, results);
      for (const tell of rounds) tell(lane, beganMs);
      // Under 100 rounds per second and lane, whatever the machine: the faults are to be shown, not its speed.
      await delay(10);
    }
    return state.balance;
  }

  const running = accounts.map((account, lane) => run(lane, account));
  return {
    take() {
      const taken = results;
      results = emptyResults();
      return taken;
    },
    round() {
      const fromMs = performance.now();
      const missing = new Set(accounts.keys());
      return new Promise((resolve) => {
        const tell = (lane: number, beganMs: number) => {
          if (beganMs >= fromMs) missing.delete(lane);
          if (missing.size > 0) return;
          rounds.delete(tell);
          resolve();
        };
        rounds.add(tell);
      });
    },
    async end() {
      ended = true;
      const balances = await Promise.all(running);
      for (const [lane, { wallet }] of accounts.entries()) {
        const { effects, sum } = await readEntries(wallet, (path) => settle(() => client.get(path)));
        if (new Set(effects).size !== effects.length) results.wrong.push(`an effect on ${wallet} is doubled`);
        if (sum !== balances[lane])
          results.wrong.push(`${wallet} must hold ${balances[lane]}: its entries add up to ${sum}`);
      }
    },
  };
}

/** The sum of an account's entries, and what each of them is of. */
async function readEntries(account: string, get: (path: string) => Promise<ClientReply>) {
  const effects: string[] = [];
  let sum = 0n;
  for (let cursor = ""; ; ) {
    const page = await get(`/v1/accounts/${account}/entries?limit=200${cursor}`);
    for (const entry of listAt(page.body, "data")) {
      effects.push(`${at(entry, "type")} ${at(entry, "source", "id")}`);
      sum += BigInt(textAt(entry, "amount"));
    }
    const next = at(page.body, "nextCursor");
    if (typeof next !== "string") return { effects, sum };
    cursor = `&cursor=${encodeURIComponent(next)}`;
  }
}

type Settle = (ask: () => Promise<ClientReply>) => Promise<ClientReply>;

type LaneState = {
  readonly client: Client;
  readonly settle: Settle;
  readonly account: Account;
  readonly lane: number;
  readonly next: (below: number) => number;
  balance: bigint;
  /** Of the last command. */
  position: number;
  paid: Paid[];
};

async function playRound(state: LaneState, n: number, { wrong, commands, queries }: LaneResults): Promise<void> {
  const { client, settle, account, lane, next } = state;
  const { wallet, shop } = account;
  const expect = (holds: boolean, text: string, reply: ClientReply) =>
    void (holds || wrong.push(`${text}: ${reply.status} ${reply.text.slice(0, 300)}`));
  const command = async (path: string, key: string, body: object): Promise<ClientReply> => {
    const fromMs = performance.now();
    const reply = await settle(() => client.post(path, body, { key }));
    commands.push(performance.now() - fromMs);
    const position = revisionOf(reply);
    expect(position > state.position, `${key}: its position follows 0:${state.position}`, reply);
    state.position = Math.max(state.position, position);
    return reply;
  };

  const amount = BigInt(1 + next(9));
  const key = `chaos-${lane}-${n}`;
  const body = { payer: wallet, payee: shop, amount: `${amount}`, currency: "HKD", reference: key };
  const reply = await command("/v1/payments", key, body);
  expect(reply.status === 201, `${key} is paid`, reply);
  if (reply.status === 201) {
    state.balance -= amount;
    state.paid = [{ key, body, text: reply.text, id: textAt(reply.body, "id") }, ...state.paid.slice(0, KEPT - 1)];
  }
  const earlier = state.paid[next(state.paid.length)];
  if (earlier && n % 4 === 1) {
    const again = await settle(() => client.post("/v1/payments", earlier.body, { key: earlier.key }));
    expect(again.text === earlier.text, `${earlier.key} again has the same answer`, again);
    expect(again.headers.get("idempotency-replayed") === "true", `${earlier.key} again is not paid again`, again);
  }
  if (n % 6 === 2 && reply.status === 201) {
    const refunded = await command(`/v1/payments/${textAt(reply.body, "id")}/refunds`, `${key}-back`, {});
    expect(refunded.status === 201, `${key} is refunded`, refunded);
    if (refunded.status === 201) state.balance += amount;
  }
  const fromMs = performance.now();
  const headers = { "ledger-position": `0:${state.position}`, "ledger-wait": "2000" };
  const path = n % 5 === 0 ? `/v1/accounts/${wallet}/entries?limit=1` : `/v1/accounts/${wallet}/balance`;
  const read = await settle(() => client.get(path, headers));
  queries.push(performance.now() - fromMs);
  expect(read.status === 200, "a query is answered", read);
  expect(revisionOf(read) >= state.position, `a query is served at 0:${state.position} or later`, read);
  const posted = at(read.body, "posted") ?? at(read.body, "data", 0, "balanceAfter");
  expect(posted === `${state.balance}`, `the balance is ${state.balance}`, read);
}

async function openAccounts(client: Client, n: number): Promise<Account> {
  const open = async (type: string, owner: string) => {
    const reply = await client.post("/v1/accounts", { type, currency: "HKD", owner });
    if (reply.status !== 201) throw new Error(`an account could not be opened: ${reply.status} ${reply.text}`);
    return textAt(reply.body, "id");
  };
  const account = { wallet: await open("wallet", `payer-${n}`), shop: await open("merchant", `shop-${n}`) };
  const body = { account: account.wallet, amount: `${FUNDS}`, currency: "HKD", rail: "fps" };
  const reply = await client.post("/v1/top-ups", body);
  if (reply.status !== 201) throw new Error(`a wallet could not be funded: ${reply.status} ${reply.text}`);
  return account;
}

const RETRY_MS = 50;

/** Sends a request again, under the same key, until it has an answer that does not ask to try again. */
async function settled(ask: () => Promise<ClientReply>, results: LaneResults): Promise<ClientReply> {
  for (;;) {
    const reply = await ask().catch(() => undefined);
    if (!reply) results.cut++;
    else if (reply.status !== 503 && reply.status !== 429) return reply;
    else {
      results.refused++;
      if (!reply.headers.has("retry-after")) results.wrong.push(`${reply.status} without Retry-After: ${reply.text}`);
    }
    await delay(RETRY_MS);
  }
}

function emptyResults(): LaneResults {
  return { commands: [], queries: [], refused: 0, cut: 0, wrong: [] };
}

import { setTimeout as delay } from "node:timers/promises";
import { type Client, type ClientReply, createClient } from "../client.ts";
import { makeToken } from "../harness.ts";
import { at, listAt, textAt } from "../json.ts";
import { countCut, type LaneAccounts, type LaneResults, type LaneState, playRound, type Settle } from "./rounds.ts";

export type Lanes = {
  /** Returns the results since the last call. */
  take(): LaneResults;
  /** Waits until every lane has begun and completed a round. */
  round(): Promise<void>;
  /** Lets the rounds that are under way end, and compares all entries with what was paid. */
  end(): Promise<void>;
};

/** Every wallet is its, so that its session shows all of them. */
const CALLER = "chaos";
const FUNDS = 1_000_000_000n;
/** Shorter than a client in production would wait, so that requests under faults are repeated often. */
const ANSWER_MS = 5_000;

/**
 * Clients with a wallet each, which make commands of every kind and read back at the position of the last one. Each
 * knows its balance beforehand, so that every answer is checked.
 */
export async function startLanes(options: {
  readonly url: string;
  readonly data: string;
  readonly lanes: number;
  readonly next: (below: number) => number;
}): Promise<Lanes> {
  const { url, data, next } = options;
  const token = await makeToken(data, "operator", CALLER, "default");
  const client = createClient({ url, revision: -1 }, token, ANSWER_MS);
  let results = emptyResults();
  let ended = false;
  const rounds = new Set<(lane: number, beganMs: number) => void>();
  const settle: Settle = (ask) => settled(ask, () => results);
  const accounts = await openAccounts(client, options.lanes);

  async function run(lane: number, account: LaneAccounts): Promise<bigint> {
    const state: LaneState = { client, settle, account, lane, next, balance: FUNDS, held: 0n, position: -1, paid: [] };
    for (let n = 0; !ended; n++) {
      const beganMs = performance.now();
      await playRound(state, n, () => results);
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

/** Opens a wallet and a merchant per lane; a lane also pays the merchant of the next one. */
async function openAccounts(client: Client, lanes: number): Promise<readonly LaneAccounts[]> {
  const open = async (type: string, owner: string) => {
    const reply = await client.post("/v1/accounts", { type, currency: "HKD", owner });
    if (reply.status !== 201) throw new Error(`an account could not be opened: ${reply.status} ${reply.text}`);
    return textAt(reply.body, "id");
  };
  const numbers = Array.from({ length: lanes }, (_, n) => n);
  const wallets = await Promise.all(numbers.map(() => open("wallet", CALLER)));
  const shops = await Promise.all(numbers.map((n) => open("merchant", `shop-${n}`)));
  for (const account of wallets) {
    const reply = await client.post("/v1/top-ups", { account, amount: `${FUNDS}`, currency: "HKD", rail: "fps" });
    if (reply.status !== 201) throw new Error(`a wallet could not be funded: ${reply.status} ${reply.text}`);
  }
  return wallets.map((wallet, n) => ({ wallet, shops: [shops[n] ?? "", shops[(n + 1) % lanes] ?? ""] }));
}

const RETRY_MS = 50;

/** Sends a request again, under the same key, until it has an answer that does not ask to try again. */
async function settled(ask: () => Promise<ClientReply>, results: () => LaneResults): Promise<ClientReply> {
  for (;;) {
    const reply = await ask().catch((error: unknown) => countCut(results(), error));
    if (reply && reply.status !== 503 && reply.status !== 429) return reply;
    if (reply) {
      results().refused++;
      if (!reply.headers.has("retry-after")) results().wrong.push(`${reply.status} without Retry-After: ${reply.text}`);
    }
    await delay(RETRY_MS);
  }
}

function emptyResults(): LaneResults {
  return { commands: [], queries: [], sessions: {}, recommendations: 0, refused: 0, cut: 0, wrong: [] };
}

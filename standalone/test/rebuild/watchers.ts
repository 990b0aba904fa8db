import { setTimeout as delay } from "node:timers/promises";
import { type Client, type ClientReply, createClient, revisionOf } from "../client.ts";
import { makeToken } from "../harness.ts";
import { at, listAt, textAt } from "../json.ts";

/** Reads whose answers are known beforehand. */
export type Watchers = {
  /** Returns what was seen since the last call; latencies in milliseconds. */
  take(): WatchedReads;
  stop(): Promise<void>;
};

export type WatchedReads = { readonly latencies: number[]; refused: number; readonly wrong: string[] };

const EVERY_MS = 20;

type Expected = { readonly path: string; readonly client: Client; holds(reply: ClientReply): boolean };

/**
 * Clients who read a session and recommendations of accounts that nobody pays meanwhile, at the position of the last of
 * their commands: anything but the same answer, or a 503 that asks to try again, is wrong.
 */
export async function startWatchers(options: { readonly url: string; readonly data: string }): Promise<Watchers> {
  const { url, data } = options;
  const operator = createClient({ url, revision: -1 }, await makeToken(data, "operator", "watcher", "default"));
  const alice = createClient({ url, revision: -1 }, await makeToken(data, "consumer", "alice-watched", "default"));
  const { payer, other, position } = await payForRecommendation(operator);
  const expected: readonly Expected[] = [
    {
      path: "/v1/me/session",
      client: alice,
      holds: ({ body }) =>
        at(body, "accounts", 0, "id") === payer && at(body, "accounts", 0, "balances", "posted") === "975",
    },
    {
      path: `/v1/accounts/${payer}/recommendations`,
      client: operator,
      holds: ({ body }) => listAt(body, "data").length === 1 && at(body, "data", 0, "merchant") === other,
    },
  ];
  let watched: WatchedReads = { latencies: [], refused: 0, wrong: [] };
  let stopped = false;

  async function watch({ path, client, holds }: Expected): Promise<void> {
    while (!stopped) {
      await delay(EVERY_MS);
      const fromMs = performance.now();
      const reply = await client.get(path, { "ledger-position": `0:${position}`, "ledger-wait": "2000" });
      const into = watched;
      into.latencies.push(performance.now() - fromMs);
      if (reply.status === 503 && reply.headers.has("retry-after")) into.refused++;
      else if (reply.status !== 200 || revisionOf(reply) < position || !holds(reply))
        into.wrong.push(`${path} at 0:${position}: ${reply.status} ${reply.text.slice(0, 300)}`);
    }
  }

  const running = Promise.all(expected.map(watch));
  return {
    take() {
      const taken = watched;
      watched = { latencies: [], refused: 0, wrong: [] };
      return taken;
    },
    async stop() {
      stopped = true;
      await running;
    },
  };
}

/** A payer and a peer pay the same merchant; the peer pays another one, which is recommended to the payer. */
async function payForRecommendation(operator: Client) {
  const open = async (type: string, owner: string) =>
    textAt((await created(operator, "/v1/accounts", { type, currency: "HKD", owner })).body, "id");
  const [payer, peer] = [await open("wallet", "alice-watched"), await open("wallet", "peer-watched")];
  const [shop, other] = [await open("merchant", "shop-watched"), await open("merchant", "other-watched")];
  for (const account of [payer, peer])
    await created(operator, "/v1/top-ups", { account, amount: "1000", currency: "HKD", rail: "fps" });
  let last: ClientReply | undefined;
  for (const [from, to] of [
    [payer, shop],
    [peer, shop],
    [peer, other],
  ])
    last = await created(operator, "/v1/payments", { payer: from, payee: to, amount: "25", currency: "HKD" });
  return { payer, other, position: last ? revisionOf(last) : -1 };
}

async function created(client: Client, path: string, body: object): Promise<ClientReply> {
  const reply = await client.post(path, body);
  if (reply.status !== 201) throw new Error(`${path}: ${reply.status} ${reply.text}`);
  return reply;
}

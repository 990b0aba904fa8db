import { Agent, request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { at } from "../json.ts";

/** An honest client's results in a window; latencies in milliseconds, counted from when a request was due. */
export type HonestWindow = {
  readonly payments: number[];
  readonly queries: number[];
  /** Answers 429 and 503, and connections closed before the answer. */
  readonly refused: string[];
  /** Anything that an honest client must never get. */
  readonly wrong: string[];
};

export type Honest = {
  /** Returns the results since the last call. */
  take(): HonestWindow;
  end(): Promise<void>;
};

export type HonestOptions = {
  readonly url: string;
  readonly operatorToken: string;
  /** The token of the owner whose wallets pay. */
  readonly consumerToken: string;
  readonly owner: string;
  readonly lanes: number;
  /** Rounds per second of a payment, a query of its balance at that position, and sometimes the same key again. */
  readonly roundsPerSecond: number;
};

const ANSWER_MS = 30_000;

/** Lanes with a wallet each. Payments and balances are known in advance, so every answer can be checked. */
export async function startHonest(options: HonestOptions): Promise<Honest> {
  const agent = new Agent({ keepAlive: true, maxSockets: options.lanes });
  const call = (method: string, path: string, headers: Record<string, string>, body?: string) =>
    send(agent, `${options.url}${path}`, method, headers, body);
  let seen = emptyWindow();
  let ended = false;
  const wallets = await openWallets(options, call);

  async function lane({ wallet, shop }: { wallet: string; shop: string }): Promise<void> {
    const authorization = `Bearer ${options.consumerToken}`;
    const pause = (1000 * options.lanes) / options.roundsPerSecond;
    let balance = FUNDS;
    for (let n = 0, due = performance.now() + Math.random() * pause; !ended; n++, due += pause) {
      await delay(Math.max(0, due - performance.now()));
      const key = `honest-${wallet}-${n}`;
      const body = JSON.stringify({ payer: wallet, payee: shop, amount: "1", currency: "HKD", reference: key });
      const headers = { authorization, "content-type": "application/json", "idempotency-key": key };
      const paid = await settle(
        () => call("POST", "/v1/payments", headers, body),
        (reason) => seen.refused.push(reason),
      );
      seen.payments.push(performance.now() - due);
      if (paid.status === 201) balance--;
      else seen.wrong.push(`payment ${key}: ${paid.status} ${paid.text}`);
      if (n % 5 === 0) {
        const again = await settle(
          () => call("POST", "/v1/payments", headers, body),
          (reason) => seen.refused.push(reason),
        );
        if (again.text !== paid.text) seen.wrong.push(`the key ${key} again: ${again.status} ${again.text}`);
      }
      const asked = performance.now();
      const at0 = { authorization, "ledger-position": paid.position, "ledger-wait": "10000" };
      const told = await settle(
        () => call("GET", `/v1/accounts/${wallet}/balance`, at0),
        (reason) => seen.refused.push(reason),
      );
      seen.queries.push(performance.now() - asked);
      const posted = at(told.body, "posted");
      if (told.status !== 200 || posted !== String(balance)) {
        seen.wrong.push(`balance of ${wallet} must be ${balance}: ${told.status} ${told.text}`);
      }
    }
  }

  const lanes = wallets.map(lane);
  return {
    take() {
      const taken = seen;
      seen = emptyWindow();
      return taken;
    },
    async end() {
      ended = true;
      await Promise.all(lanes);
      agent.destroy();
    },
  };
}

const FUNDS = 100_000_000;

function emptyWindow(): HonestWindow {
  return { payments: [], queries: [], refused: [], wrong: [] };
}

type Call = (method: string, path: string, headers: Record<string, string>, body?: string) => Promise<Reply>;

async function openWallets({ operatorToken, owner, lanes }: HonestOptions, call: Call) {
  const post = async (path: string, key: string, body: object): Promise<Reply> => {
    const authorization = `Bearer ${operatorToken}`;
    const headers = { authorization, "content-type": "application/json", "idempotency-key": key };
    const reply = await call("POST", path, headers, JSON.stringify(body));
    if (reply.status !== 201) throw new Error(`${path}: ${reply.status} ${reply.text}`);
    return reply;
  };
  return Promise.all(
    Array.from({ length: lanes }, async (_, n) => {
      const open = async (type: string, by: string) =>
        String(at((await post("/v1/accounts", `${type}-${n}`, { type, currency: "HKD", owner: by })).body, "id"));
      const [wallet, shop] = [await open("wallet", owner), await open("merchant", `shop-${n}`)];
      await post("/v1/top-ups", `fund-${n}`, { account: wallet, amount: String(FUNDS), currency: "HKD", rail: "fps" });
      return { wallet, shop };
    }),
  );
}

type Reply = { readonly status: number; readonly text: string; readonly body: unknown; readonly position: string };

/** Retries under the same key while it is refused, and notes each refusal. */
async function settle(ask: () => Promise<Reply>, refused: (reason: string) => void): Promise<Reply> {
  for (;;) {
    const reply = await ask().catch((error: unknown) => String(error));
    if (typeof reply !== "string" && reply.status !== 503 && reply.status !== 429) return reply;
    refused(typeof reply === "string" ? reply : `${reply.status} ${reply.text}`);
    await delay(50);
  }
}

function send(
  agent: Agent,
  url: string,
  method: string,
  headers: Record<string, string>,
  body?: string,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, method, headers, signal: AbortSignal.timeout(ANSWER_MS) }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("error", reject);
      response.on("end", () => {
        const position = String(response.headers["ledger-position"] ?? "");
        resolve({ status: response.statusCode ?? 0, text, body: parse(text), position });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

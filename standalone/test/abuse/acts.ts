import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** Credentials of an abuser: no token, a consumer's token, and an operator's token of a separate tenant. */
export type AbuserContext = {
  readonly consumer: string;
  readonly operator: string;
  /** Wallets of that consumer, without money. */
  readonly wallets: readonly [string, string];
  /** Unique within the run. */
  next(): number;
  draw(bound: number): number;
};

/** One act of abuse; returns the server's reaction in a word. */
export type Act = {
  readonly name: string;
  /** How many run concurrently. */
  readonly width: number;
  readonly pauseMs: number;
  run(context: AbuserContext, socket: Socket): Promise<string>;
};

const MIB = 2 ** 20;

export const acts: readonly Act[] = [
  {
    name: "half a body, held",
    ...{ width: 30, pauseMs: 100 },
    async run({ consumer, draw }, socket) {
      socket.write(post("/v1/payments", consumer, "half", '{"payer":"', 60_000));
      return heldUpTo(socket, 5_000 + draw(30_000));
    },
  },
  {
    name: "half a header, held",
    ...{ width: 30, pauseMs: 100 },
    async run({ draw }, socket) {
      socket.write("POST /v1/payments HTTP/1.1\r\nHost: a\r\nAuthorization: Bea");
      return heldUpTo(socket, 5_000 + draw(30_000));
    },
  },
  {
    name: "nothing sent, held",
    ...{ width: 200, pauseMs: 200 },
    run: ({ draw }, socket) => heldUpTo(socket, 5_000 + draw(60_000)),
  },
  {
    name: "slow headers",
    ...{ width: 20, pauseMs: 100 },
    async run(_, socket) {
      const answer = answerOf(socket, 35_000);
      socket.write("GET /v1/me/session HTTP/1.1\r\nHost: a\r\n");
      for (let n = 0; n < 60 && !socket.destroyed; n++) {
        socket.write(`X-${n}: 1\r\n`);
        await delay(500);
      }
      return answer;
    },
  },
  {
    name: "reset in the middle",
    ...{ width: 10, pauseMs: 20 },
    async run({ consumer, wallets, next, draw }, socket) {
      socket.write(post("/v1/payments", consumer, `reset-${next()}`, payment(wallets, "1")));
      await delay(draw(10));
      socket.resetAndDestroy();
      return "reset";
    },
  },
  {
    name: "pipelined garbage",
    ...{ width: 5, pauseMs: 50 },
    run({ consumer, draw }, socket) {
      const good = get("/v1/me/session", consumer, "keep-alive");
      const garbage = Buffer.from(Array.from({ length: 1 + draw(2000) }, () => draw(256)));
      socket.write(Buffer.concat([Buffer.from(good.repeat(1 + draw(20))), garbage]));
      return answerOf(socket, 10_000);
    },
  },
  {
    name: "pipelined and never read",
    ...{ width: 5, pauseMs: 200 },
    run({ consumer }, socket) {
      socket.pause();
      socket.write(get("/openapi.json", consumer, "keep-alive").repeat(100));
      return heldUpTo(socket, 10_000);
    },
  },
  {
    name: "giant bulk, slowly",
    ...{ width: 20, pauseMs: 100 },
    async run({ consumer, wallets, next }, socket) {
      const bytes = post("/v1/bulk", consumer, `giant-${next()}`, giantBulk(wallets, next));
      const answer = answerOf(socket, 60_000);
      for (let from = 0; from < bytes.length && !socket.destroyed; from += 64 * 1024) {
        socket.write(bytes.subarray(from, from + 64 * 1024));
        await delay(200);
      }
      return answer;
    },
  },
  {
    name: "giant bulk of faults",
    ...{ width: 2, pauseMs: 500 },
    run({ consumer, next }, socket) {
      const fault = '{"idempotencyKey":"","command":"payment","payer":1,"payee":2,"amount":-1,"a":1,"b":2,"c":3,"d":4}';
      const items = Array.from({ length: 10_000 }, () => fault).join(",");
      socket.write(post("/v1/bulk", consumer, `faults-${next()}`, `{"mode":"each","items":[${items}]}`));
      return answerOf(socket, 30_000);
    },
  },
  {
    name: "too large a body",
    ...{ width: 2, pauseMs: 500 },
    run({ consumer }, socket) {
      socket.write(post("/v1/payments", consumer, "large", "x".repeat(5 * MIB)));
      return answerOf(socket, 30_000);
    },
  },
  {
    name: "flood of keys",
    ...{ width: 4, pauseMs: 10 },
    run({ consumer, wallets, next }, socket) {
      const key = `${next()}-`.padEnd(255, "k");
      socket.write(post("/v1/payments", consumer, key, payment(wallets, "999999999999999999")));
      return answerOf(socket, 30_000);
    },
  },
  {
    name: "flood of kinds",
    ...{ width: 4, pauseMs: 10 },
    run({ operator, next, draw }, socket) {
      const zone = draw(2) === 0 ? `Etc/GMT+${draw(13)}` : `+${draw(10)}${draw(10)}:${draw(6)}${draw(10)}`;
      const limits = { perTransaction: String(1 + next()), perDay: String(1 + next()) };
      const account = { type: "wallet", currency: "HKD", owner: `kind-${next()}`, timeZone: zone, limits };
      const path = draw(2) === 0 ? "/v1/accounts?dryRun=true" : "/v1/accounts";
      socket.write(post(path, operator, `kind-${next()}`, JSON.stringify(account)));
      return answerOf(socket, 30_000);
    },
  },
  {
    name: "flood of rails",
    ...{ width: 2, pauseMs: 10 },
    run({ operator, wallets, next }, socket) {
      const topUp = { account: wallets[0], amount: "1", currency: "HKD", rail: `rail-${next()}` };
      socket.write(post("/v1/top-ups", operator, `rail-${next()}`, JSON.stringify(topUp)));
      return answerOf(socket, 30_000);
    },
  },
  {
    name: "Expect without a right",
    ...{ width: 2, pauseMs: 100 },
    run({ draw }, socket) {
      const length = draw(2) === 0 ? 100 : 100 * MIB;
      const lines = ["POST /v1/payments HTTP/1.1", "Host: a", "Expect: 100-continue", "Content-Type: application/json"];
      socket.write(`${[...lines, `Content-Length: ${length}`].join("\r\n")}\r\n\r\n`);
      return answerOf(socket, 10_000);
    },
  },
  {
    name: "queries that wait",
    ...{ width: 300, pauseMs: 50 },
    run({ consumer, wallets }, socket) {
      const far = "Ledger-Position: 0:9000000000\r\nLedger-Wait: 10000\r\n";
      socket.write(get(`/v1/accounts/${wallets[0]}/balance`, consumer, "close", far));
      return answerOf(socket, 30_000);
    },
  },
];

function post(path: string, token: string, key: string, body: string, length?: number): Buffer {
  const content = Buffer.from(body);
  const head = [
    `POST ${path} HTTP/1.1`,
    "Host: a",
    "Connection: close",
    `Authorization: Bearer ${token}`,
    `Idempotency-Key: ${key}`,
    "Content-Type: application/json",
    `Content-Length: ${length ?? content.length}`,
  ];
  return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), content]);
}

function get(path: string, token: string, connection: string, more = ""): string {
  const head = `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: ${connection}\r\n`;
  return `${head}Authorization: Bearer ${token}\r\n${more}\r\n`;
}

function payment([payer, payee]: readonly [string, string], amount: string): string {
  return JSON.stringify({ payer, payee, amount, currency: "HKD" });
}

/** Close to 4 MiB of payments that are refused for insufficient funds. */
function giantBulk([payer, payee]: readonly [string, string], next: () => number): string {
  const reference = "r".repeat(140);
  const item = () => ({
    ...{ idempotencyKey: `item-${next()}`, command: "payment", payer, payee, amount: "5", currency: "HKD", reference },
  });
  return JSON.stringify({ mode: "each", items: Array.from({ length: 10_000 }, item) });
}

/** The status of the first answer; `closed` if the connection ends without one, `none` on a timeout. */
function answerOf(socket: Socket, waitMs: number): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const done = (outcome: string) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(outcome);
    };
    const timer = setTimeout(done, waitMs, "none");
    socket.on("data", (chunk) => {
      text = (text + chunk.toString("latin1")).slice(0, 100);
    });
    socket.on("close", () => done(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? "closed"));
    if (socket.destroyed) done("closed");
  });
}

/** Holds the connection until the server ends it; returns the server's status, if any. */
function heldUpTo(socket: Socket, ms: number): Promise<string> {
  return answerOf(socket, ms);
}

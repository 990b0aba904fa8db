import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Client } from "./client.ts";
import { createLedger } from "./harness.ts";
import { balancesOf, fundedWallet, openAccount } from "./steps.ts";

// The process itself limits its stop to 10 s and exits with 1 beyond that, so 0 says that it was in time.

const ledger = createLedger();
let operator: Client;
let payer: string;
let payee: string;
const sockets: Socket[] = [];
let stopped = false;
beforeAll(async () => {
  await ledger.start();
  operator = await ledger.as("operator");
  payer = await fundedWallet(operator, "100000", { owner: "alice" });
  payee = await openAccount(operator, { type: "merchant", owner: "shop" });
});
beforeEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  if (stopped) await ledger.start();
  stopped = true;
});
afterAll(() => ledger.remove());

async function open(bytes = ""): Promise<Socket> {
  const { hostname, port } = new URL(ledger.url);
  const socket = connect(Number(port), hostname);
  sockets.push(socket);
  await once(socket, "connect");
  socket.on("error", () => socket.destroy());
  if (bytes !== "") await new Promise<void>((written) => socket.write(bytes, () => written()));
  return socket;
}

function payment(key: string, fields: object = {}, length?: number): string {
  const body = JSON.stringify({ payer, payee, amount: "1", currency: "HKD", ...fields });
  const head = [
    "POST /v1/payments HTTP/1.1",
    "Host: x",
    `Authorization: Bearer ${operator.token}`,
    `Idempotency-Key: ${key}`,
    "Content-Type: application/json",
    `Content-Length: ${length ?? body.length}`,
  ];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}

/** The statuses of all answers on a connection, once it has ended. */
async function statusesOn(socket: Socket): Promise<string[]> {
  const bytes = await text(socket).catch(() => "");
  return Array.from(bytes.matchAll(/HTTP\/1\.1 (\d+) /g), ([, status = ""]) => status);
}

test("SIGTERM ends the process with 0, whatever connections clients leave open", async () => {
  const chunked = payment("chunks")
    .split("\r\n\r\n")[0]
    ?.replace(/Content-Length: \d+/, "Transfer-Encoding: chunked");
  const expecting = payment("told").replace("Content-Length", "Expect: 100-continue\r\nContent-Length").slice(0, -5);
  const answered = await open(payment("answered"));
  await once(answered, "data");
  const kinds = [
    "",
    "POST /v1/payments HTTP/1.1\r\nHost: x\r\n",
    payment("half", {}, 1000),
    `${chunked}\r\n\r\n5\r\n{"a":\r\n`,
    expecting,
  ];
  const open200 = await Promise.all(Array.from({ length: 200 }, (_, n) => open(kinds[n % kinds.length])));
  expect(await ledger.stop()).toBe(0);
  const statuses = (await Promise.all([answered, ...open200].map(statusesOn))).flat();
  expect(statuses.filter((status) => status !== "100")).toEqual([]);
});

describe("SIGTERM loses no whole request:", () => {
  const connections = 20;
  const each = 10;

  /** Every payment is answered with 201 and booked once: repeating it returns the same answer. */
  async function expectBooked(prefix: string, before: string, answers: readonly string[][]): Promise<void> {
    for (const statuses of answers) expect(statuses).toEqual(Array.from({ length: each }, () => "201"));
    await ledger.start();
    const spent = BigInt(before) - BigInt((await balancesOf(operator, payer)).posted);
    expect(spent).toBe(BigInt(connections * each));
    const reply = await operator.post(
      "/v1/payments",
      { payer, payee, amount: "1", currency: "HKD" },
      { key: `${prefix}-0-0` },
    );
    expect(reply.headers.get("idempotency-replayed")).toBe("true");
    await ledger.stop();
  }

  const pipelined = (prefix: string, connection: number) =>
    Array.from({ length: each }, (_, n) => payment(`${prefix}-${connection}-${n}`)).join("");

  test("in the kernel's buffers, on connections that were and were not accepted", async () => {
    const before = (await balancesOf(operator, payer)).posted;
    const early = await Promise.all(Array.from({ length: connections / 2 }, () => open()));
    let late: Socket[] = [];
    const code = await ledger.stopHalted(async () => {
      late = await Promise.all(Array.from({ length: connections / 2 }, () => open()));
      for (const [n, socket] of [...early, ...late].entries()) socket.write(pipelined("kernel", n));
    });
    const answers = await Promise.all([...early, ...late].map(statusesOn));
    expect(code).toBe(0);
    await expectBooked("kernel", before, answers);
  });

  test("read and under way", async () => {
    const before = (await balancesOf(operator, payer)).posted;
    const busy = await Promise.all(Array.from({ length: connections }, (_, n) => open(pipelined("flight", n))));
    const answers = busy.map(statusesOn);
    const code = await ledger.stop();
    expect(code).toBe(0);
    await expectBooked("flight", before, await Promise.all(answers));
  });

  test("a query that waits for a position is answered", async () => {
    const query = await open(
      `GET /v1/accounts/${payer} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${operator.token}\r\n` +
        "Ledger-Position: 0:99999999\r\nLedger-Wait: 10000\r\n\r\n",
    );
    const answers = statusesOn(query);
    expect(await ledger.stop()).toBe(0);
    expect(await answers).toEqual(["503"]);
  });
});

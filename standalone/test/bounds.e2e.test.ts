import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Client } from "./client.ts";
import { createLedger } from "./harness.ts";
import { at } from "./json.ts";
import { fundedWallet, openAccount, pay } from "./steps.ts";

const MIB = 1024 * 1024;
const BULK_BYTES = 4 * MIB;
const IDLE = 500;
const SLOW = 120;
/** Bound for a caller's share of bodies, one socket each, and garbage; the bulks alone would be 360 MiB. */
const GROWTH_BYTES_MAX = 160 * MIB;

const ledger = createLedger();
const sockets: Socket[] = [];
let operator: Client;
let payer: string;
let payee: string;
beforeAll(async () => {
  await ledger.start();
  operator = await ledger.as("operator");
  payer = await fundedWallet(operator, "1000", { owner: "alice" });
  payee = await openAccount(operator, { type: "merchant", owner: "shop" });
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await ledger.remove();
});

async function open(): Promise<Socket> {
  const { hostname, port } = new URL(ledger.url);
  const socket = connect(Number(port), hostname);
  sockets.push(socket);
  socket.on("error", () => socket.destroy());
  await once(socket, "connect");
  return socket;
}

/** The current memory of the server's process. */
function residentBytes(): number {
  const { pid } = JSON.parse(readFileSync(join(ledger.data, "server.json"), "utf8"));
  const kib = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kib) * 1024;
}

/** Sends three quarters of a bulk and holds back the rest; returns the status, once there is one. */
function sendSlowly(socket: Socket, token: string, key: string): { readonly status: () => string | undefined } {
  let status: string | undefined;
  socket.once("data", (chunk) => {
    status = /^HTTP\/1\.1 (\d+)/.exec(String(chunk))?.[1];
  });
  const head =
    `POST /v1/bulk HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nIdempotency-Key: ${key}\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${BULK_BYTES}\r\n\r\n`;
  socket.write(head);
  socket.write(part);
  return { status: () => status };
}
const part = Buffer.alloc(0.75 * BULK_BYTES, 0x20);

test.skipIf(process.platform !== "linux")(
  "idle connections and slow giant bulks of one caller cost little memory, and nobody else anything",
  async () => {
    const greedy = await ledger.as("consumer", "greedy");
    const modest = await ledger.as("operator", "modest");
    const before = residentBytes();
    await Promise.all(Array.from({ length: IDLE }, open));
    const slow = await Promise.all(Array.from({ length: SLOW }, open));
    const sent = slow.map((socket, n) => sendSlowly(socket, greedy.token, `slow-${n}`));
    const refused = () => sent.filter(({ status }) => status() === "429").length;
    await expect.poll(refused, { timeout: 30_000 }).toBe(SLOW - 4);
    expect(sent.filter(({ status }) => status() !== "429" && status() !== undefined)).toEqual([]);
    expect(residentBytes() - before).toBeLessThan(GROWTH_BYTES_MAX);

    const another = await greedy.post("/v1/bulk", { mode: "each", items: [{}], note: "x".repeat(70_000) });
    expect(another.status).toBe(429);
    expect(another.headers.get("retry-after")).toBe("1");
    expect(at(another.body, "code")).toBe("too_many_requests");
    for (const by of [operator, modest]) expect((await pay(by, { payer, payee, amount: "1" })).status).toBe(201);
    const items = [{ idempotencyKey: "i", command: "payment", payer, payee, amount: "1", currency: "HKD" }];
    expect((await modest.post("/v1/bulk", { mode: "each", items })).status).toBe(200);
  },
);

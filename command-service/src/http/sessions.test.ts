import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import type { Caller, RevocationStore } from "ledger-core";
import { createEdge, createMetrics, embeddedSessions, followRevocations, type RevocationList } from "ledger-core/http";
import {
  authenticator,
  createSigningKeys,
  embeddedIds,
  type SigningKeys,
  sessionOf,
  signToken,
} from "ledger-core/http/tokens";
import { createLogger } from "ledger-core/process";
import { openRevocationFile } from "ledger-core/revocations";
import { examples } from "ledger-core/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type FakeWriter, fakeWriter } from "../testing/fake-writer.ts";
import { registerCommands } from "./routes.ts";

const { operator } = examples;
const alice = examples.consumer("alice");
const folder = mkdtempSync(join(tmpdir(), "payledger-sessions-"));

let keys: SigningKeys;
let store: RevocationStore;
let revocations: RevocationList;
let app: FastifyInstance;
const metrics = createMetrics();
let writer: FakeWriter;
let port: number;
beforeAll(async () => {
  keys = await createSigningKeys();
  store = openRevocationFile({ file: join(folder, "revocations.sqlite"), writes: true });
  revocations = followRevocations({ store, writes: true });
  writer = fakeWriter();
  app = await createEdge({
    logger: createLogger({ level: "silent", name: "test" }),
    authenticate: authenticator([keys.publicKey], { revocations }),
    ...{ revocations, metrics },
    referenceVersion: "0",
  });
  registerCommands(app, { writer, sessions: { revocations, sessions: embeddedSessions } });
  await revocations.refresh();
  port = Number(new URL(await app.listen({ host: "127.0.0.1", port: 0 })).port);
});
beforeEach(() => {
  writer.events.length = 0;
});
afterAll(async () => {
  await app.close();
  await revocations.close();
  rmSync(folder, { recursive: true });
});

const tokenOf = (caller: Caller) => signToken({ ...caller, ttlSeconds: 600 }, keys);
const idOf = (token: string) => String(sessionOf(token, embeddedIds).id);

const revocationsKept = async () => (await store.read(undefined)).revocations;

/** In whole seconds, which are enough for tokens. */
async function keptUntil(token: string): Promise<number> {
  const found = (await revocationsKept()).find(({ id }) => id === idOf(token));
  return Number(found?.until) / 1_000_000;
}

async function post(token: string, url: string, more: { body?: object; headers?: Record<string, string> } = {}) {
  const answer = await app.inject({
    method: "POST",
    url,
    headers: { authorization: `Bearer ${token}`, "idempotency-key": "k", ...more.headers },
    ...(more.body && { payload: more.body }),
  });
  return { status: answer.statusCode, headers: answer.headers, text: answer.body, json: answer.json() };
}

const revoke = (token: string, id: string, query = "") => post(token, `/v1/sessions/${id}/revoke${query}`);
const payment = { payer: examples.alice, payee: examples.shop, amount: "1", currency: "HKD" };
const pay = (token: string) => post(token, "/v1/payments", { body: payment });

describe("a token is revoked", () => {
  test("by an operator of its tenant: the next request is refused, on a known connection too", async () => {
    const token = await tokenOf(alice);
    expect((await pay(token)).status).toBe(201);
    const { status, json, headers } = await revoke(await tokenOf(operator), idOf(token));
    expect(status).toBe(200);
    expect(json).toEqual({ id: idOf(token), revokedAt: expect.stringMatching(/^20.*Z$/) });
    expect(await keptUntil(token)).toBeCloseTo(Date.parse(json.revokedAt) / 1000 + 400 * 86_400, 1);
    expect(headers).not.toHaveProperty("ledger-position");
    const refused = await pay(token);
    expect(refused).toMatchObject({ status: 401, json: { code: "unauthorized", detail: "The token was revoked." } });
    expect(refused.headers["www-authenticate"]).toBe("Bearer");
    expect((await pay(await tokenOf(alice))).status).toBe(201);
  });

  test.each(["consumer", "merchant", "service", "auditor", "platform", "operator"] as const)(
    "by itself, as %s, and kept until it would have expired",
    async (role) => {
      const token = await tokenOf({ ...alice, role });
      const { status } = await revoke(token, idOf(token));
      expect(status).toBe(200);
      expect(await keptUntil(token)).toBe(sessionOf(token, embeddedIds).expiresS);
      expect((await revoke(token, idOf(token))).status).toBe(401);
    },
  );

  test("once: a repeat has the same answer, byte for byte, whoever sends it", async () => {
    const token = await tokenOf(alice);
    const by = await tokenOf(operator);
    const first = await revoke(by, idOf(token));
    for (const again of [by, await tokenOf(operator)]) expect((await revoke(again, idOf(token))).text).toBe(first.text);
    expect((await revocationsKept()).filter(({ id }) => id === idOf(token))).toHaveLength(1);
  });

  test("not on a dry run", async () => {
    const token = await tokenOf(alice);
    const { status, headers } = await revoke(token, idOf(token), "?dryRun=true");
    expect({ status, dryRun: headers["ledger-dry-run"] }).toEqual({ status: 200, dryRun: "true" });
    expect((await pay(token)).status).toBe(201);
  });
});

describe("nobody revokes", () => {
  test.each(["consumer", "merchant", "service", "auditor", "platform"] as const)(
    "another's token, or one that there is not, as %s",
    async (role) => {
      const [own, other] = [await tokenOf({ ...alice, role }), await tokenOf(alice)];
      const answers = [await revoke(own, idOf(other)), await revoke(own, "made-up")];
      for (const answer of answers) expect(answer).toMatchObject({ status: 404, json: { code: "session_not_found" } });
      expect((await pay(other)).status).toBe(201);
    },
  );

  test("a token of another tenant, even an operator", async () => {
    const token = await tokenOf(alice);
    const elsewhere = await tokenOf({ ...operator, tenant: "elsewhere" });
    expect((await revoke(elsewhere, idOf(token))).status).toBe(200);
    expect((await pay(token)).status).toBe(201);
  });

  test("when revoked", async () => {
    const [revoked, other] = [await tokenOf(operator), await tokenOf(alice)];
    await revoke(revoked, idOf(revoked));
    expect((await revoke(revoked, idOf(other))).status).toBe(401);
    expect((await pay(other)).status).toBe(201);
  });

  test.each([
    ["an id of 10,000 characters", "x".repeat(10_000), 404],
    ["an id of 101 characters", "x".repeat(101), 404],
    ["an id with a space", "a%20b", 404],
    ["an id of other letters", "%C3%A9", 404],
    ["an id with a control character", "a%00b", 400],
    ["a dot segment", "..%2f..", 400],
  ])("%s", async (_name, id, status) => {
    expect((await revoke(await tokenOf(operator), id)).status).toBe(status);
  });

  test("without a key, or with a body that is not empty", async () => {
    const token = await tokenOf(operator);
    const url = "/v1/sessions/abc/revoke";
    const noKey = await app.inject({ method: "POST", url, headers: { authorization: `Bearer ${token}` } });
    expect(noKey.json()).toMatchObject({ code: "idempotency_key_missing" });
    expect(await post(token, url, { body: { reason: "lost" } })).toMatchObject({ status: 422 });
    expect(await post(token, url, { body: {} })).toMatchObject({ status: 200 });
  });
});

test("a request whose body arrives after the revocation is refused, and nothing is written", async () => {
  const token = await tokenOf(alice);
  const text = JSON.stringify(payment);
  const socket = connect(port, "127.0.0.1");
  const head = [
    ...["POST /v1/payments HTTP/1.1", "Host: x", `Authorization: Bearer ${token}`, "Idempotency-Key: slow"],
    ...["Content-Type: application/json", `Content-Length: ${text.length}`, "Connection: close", "", ""],
  ].join("\r\n");
  socket.write(head + text.slice(0, 10));
  await expect.poll(begun).toBe(1);
  await revoke(await tokenOf(operator), idOf(token));
  socket.write(text.slice(10));
  let answer = "";
  for await (const chunk of socket) answer += chunk;
  expect(answer).toMatch(/^HTTP\/1\.1 401 /);
  expect(writer.events).toEqual([]);
});

/** Requests whose headers were read, and which have no answer yet. */
async function begun(): Promise<number> {
  const gauge = await metrics.registry.getSingleMetric("http_requests_under_way")?.get();
  return gauge?.values[0]?.value ?? 0;
}

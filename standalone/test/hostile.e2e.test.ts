import { randomUUID } from "node:crypto";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client } from "./client.ts";
import { createLedger } from "./harness.ts";
import { harmlessNumbers, hostileIds, unfitMembers, unreadableBodies } from "./hostile-inputs.ts";
import { at, textAt } from "./json.ts";
import { type RawReply, type RequestParts, requestBytes, sendRaw } from "./raw.ts";
import { type BalanceTexts, balancesOf, eventsDuring, expectProblem, fundedWallet, openAccount, pay } from "./steps.ts";

const ledger = createLedger();
let operator: Client;
let payer: string;
let payee: string;

let before: BalanceTexts;
beforeAll(async () => {
  await ledger.start();
  operator = await ledger.as("operator");
  payer = await fundedWallet(operator, "1000", { owner: "alice" });
  payee = await openAccount(operator, { type: "merchant", owner: "shop" });
  before = await balancesOf(operator, payer);
});
afterAll(async () => {
  await ledger.remove();
});

const good = () => ({ payer, payee, amount: "1", currency: "HKD" });
const json = (): [string, string] => ["Content-Type", "application/json"];
const bearer = (token = operator.token): [string, string] => ["Authorization", `Bearer ${token}`];
const key = (value: string = randomUUID()): [string, string] => ["Idempotency-Key", value];

const send = (request: RequestParts) => sendRaw(ledger.url, requestBytes(request));
const post = (body: Uint8Array | string, headers: readonly (readonly [string, string])[] = [bearer(), key(), json()]) =>
  send({ path: "/v1/payments", headers, body });

/** Expects this problem as the answer, and that nothing was appended. */
async function expectRefused(status: number, work: () => Promise<RawReply>, code?: string): Promise<RawReply> {
  let reply: RawReply = { status: 0, headers: new Map(), text: "" };
  const appended = await eventsDuring(operator, async () => {
    reply = await work();
  });
  expect(reply.status, reply.text).toBe(status);
  expect(reply.headers.get("content-type")).toMatch(/^application\/problem\+json/);
  const problem: unknown = JSON.parse(reply.text);
  expect(problem).toMatchObject({ status, code: code ?? expect.stringMatching(/^[a-z][a-z0-9_]*$/) });
  expect(reply.text).not.toContain(".ts:");
  expect(appended).toBe(0);
  return reply;
}

describe("400: malformed requests", () => {
  test.each(unreadableBodies({ payer: "acct_x", currency: "HKD" }).map(([name], index) => [name, index] as const))(
    "%s",
    async (_, index) => {
      const body = unreadableBodies(good())[index]?.[1] ?? "";
      await expectRefused(400, () => post(body));
    },
  );

  test.each<[string, () => readonly (readonly [string, string])[]]>([
    ["no Idempotency-Key", () => [bearer(), json()]],
    ["two Idempotency-Keys", () => [bearer(), json(), key("a"), key("b")]],
    ["two equal Idempotency-Keys", () => [bearer(), json(), key("a"), key("a")]],
    ["an empty Idempotency-Key", () => [bearer(), json(), key("")]],
    ["an Idempotency-Key of 256 characters", () => [bearer(), json(), key("k".repeat(256))]],
    ["an Idempotency-Key with a tab", () => [bearer(), json(), key("a\tb")]],
    ["an Idempotency-Key with a control character", () => [bearer(), json(), key("a\u0001b")]],
    ["an Idempotency-Key beyond ASCII", () => [bearer(), json(), key("clé")]],
  ])("%s", async (_, headers) => {
    await expectRefused(400, () => post(JSON.stringify(good()), headers()));
  });

  test.each([
    "/v1/accounts/%zz",
    "/v1/accounts/%00",
    "/v1/accounts/acct_%00000000000000000000000000",
    "/v1/accounts/..%2faccounts",
    "/v1/accounts/%ff",
    "/v1/accounts?owner=%zz",
    "/v1/accounts?limit=0",
    "/v1/accounts?limit=-1",
    "/v1/accounts?limit=1000000000",
    "/v1/accounts?limit=1&limit=1",
    "/v1/accounts?limit[]=1",
    "/v1/accounts?__proto__=1",
    "/v1/accounts?color=red",
    "/v1/accounts?cursor=AAAA",
    "/v1/payments?status=lost",
  ])("GET %s", async (path) => {
    await expectRefused(400, () => send({ method: "GET", path, headers: [bearer()] }));
  });
});

describe("401 and 403: who asks", () => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const forgeries = (token: string): readonly (readonly [string, string])[] => {
    const [head = "", claims = "", signature = ""] = token.split(".");
    const header: unknown = JSON.parse(Buffer.from(head, "base64url").toString());
    const payload: unknown = JSON.parse(Buffer.from(claims, "base64url").toString());
    const known = typeof header === "object" ? header : {};
    const claimed = typeof payload === "object" ? payload : {};
    return [
      ["nonsense", "nonsense"],
      ["alg none", `${part({ ...known, alg: "none" })}.${claims}.`],
      ["alg None with the signature", `${part({ ...known, alg: "None" })}.${claims}.${signature}`],
      ["another algorithm", `${part({ ...known, alg: "RS256" })}.${claims}.${signature}`],
      ["a kid with a path", `${part({ ...known, kid: "../../../dev/null" })}.${claims}.${signature}`],
      ["a foreign jku", `${part({ ...known, jku: `${ledger.url}/jwks` })}.${claims}.${signature}`],
      ["another tenant in the claims", `${head}.${part({ ...claimed, tenant: "another" })}.${signature}`],
      ["another role in the claims", `${head}.${part({ ...claimed, role: "auditor" })}.${signature}`],
      ["a later end in the claims", `${head}.${part({ ...claimed, exp: 9_999_999_999 })}.${signature}`],
      ["no signature", `${head}.${claims}.`],
      ["a signature cut short", token.slice(0, -4)],
      ["a token of another ledger", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"],
    ];
  };

  test.each(forgeriesNames())("%s: 401", async (name) => {
    const token = forgeries(operator.token).find(([known]) => known === name)?.[1] ?? "";
    const reply = await expectRefused(401, () => post(JSON.stringify(good()), [bearer(token), key(), json()]));
    expect(reply.headers.get("www-authenticate")).toMatch(/^Bearer/);
    expect((await send({ method: "GET", path: "/v1/accounts", headers: [bearer(token)] })).status).toBe(401);
  });

  test("no token, or another scheme: 401", async () => {
    await expectRefused(401, () => post(JSON.stringify(good()), [key(), json()]));
    await expectRefused(401, () => post(JSON.stringify(good()), [["Authorization", "Basic YTpi"], key(), json()]));
  });

  test("a valid token without the right: 403", async () => {
    const auditor = await ledger.as("auditor");
    await expectRefused(403, () => post(JSON.stringify(good()), [bearer(auditor.token), key(), json()]));
  });

  function forgeriesNames(): string[] {
    return forgeries(`${part({})}.${part({})}.x`).map(([name]) => name);
  }
});

describe("404 and 405: missing objects and routes", () => {
  test.each(hostileIds)("an id like %s", async (id, status) => {
    const path = `/v1/accounts/${encodeURIComponent(id)}`;
    await expectRefused(status, () => send({ method: "GET", path, headers: [bearer()] }));
    await expectRefused(status, () =>
      send({ path: `${path}/freeze`, headers: [bearer(), key(), json()], body: '{"reason":"r"}' }),
    );
  });

  test("an unknown route is 404, a known one with another method 405 with Allow", async () => {
    await expectRefused(404, () => send({ method: "GET", path: "/v2/accounts", headers: [bearer()] }));
    for (const method of ["PUT", "DELETE", "PATCH"]) {
      const reply = await expectRefused(405, () =>
        send({ method, path: "/v1/payments", headers: [bearer(), key(), json()], body: "{}" }),
      );
      expect(reply.headers.get("allow")).toContain("POST");
    }
    const reply = await expectRefused(405, () => send({ method: "GET", path: "/v1/top-ups", headers: [bearer()] }));
    expect(reply.headers.get("allow")).toContain("POST");
  });
});

describe("413, 415, 431, 408: too large, of another kind, too slow", () => {
  test("a body over 64 KiB", async () => {
    const body = JSON.stringify({ ...good(), reference: "x".repeat(65_536) });
    await expectRefused(413, () => post(body));
  });

  test("a body of several MiB, whose sender gets the answer all the same", async () => {
    const body = `{"mode":"each","items":[${" ".repeat(8 * 1024 * 1024)}]}`;
    const appended = await eventsDuring(operator, async () => {
      for (const path of ["/v1/bulk", "/v1/payments", "/v1/bulk"])
        expectProblem(await operator.post(path, body), 413, "body_too_large");
    });
    expect(appended).toBe(0);
  });

  test("an id of any length that the headers may have is absent like any other", async () => {
    for (const length of [101, 10_000]) {
      const path = `/v1/accounts/acct_${"0".repeat(length)}`;
      await expectRefused(404, () => send({ method: "GET", path, headers: [bearer()] }));
    }
  });

  test.each<[string, (readonly [string, string])[]]>([
    ["text/plain", [["Content-Type", "text/plain"]]],
    ["XML", [["Content-Type", "application/xml"]]],
    ["a form", [["Content-Type", "application/x-www-form-urlencoded"]]],
    ["no type", []],
    ["UTF-16", [["Content-Type", "application/json; charset=utf-16"]]],
    ["gzip", [json(), ["Content-Encoding", "gzip"]]],
  ])("%s", async (_, headers) => {
    await expectRefused(415, () => post(JSON.stringify(good()), [bearer(), key(), ...headers]));
  });

  test("a header of 20 KB", async () => {
    await expectRefused(431, () =>
      post(JSON.stringify(good()), [bearer(), key(), json(), ["X-Long", "x".repeat(20_000)]]),
    );
  });

  test("a body that does not arrive within 30 s", { timeout: 60_000 }, async () => {
    const started = performance.now();
    const bytes = requestBytes({
      path: "/v1/payments",
      headers: [bearer(), key(), json()],
      body: JSON.stringify(good()),
    });
    const reply = await sendRaw(ledger.url, bytes.subarray(0, -5));
    expect([0, 408]).toContain(reply.status);
    expect(performance.now() - started).toBeLessThan(45_000);
  });
});

describe("422: well-formed but invalid requests", () => {
  test.each(unfitMembers)("%s", async (_, members, pointer) => {
    const reply = await expectRefused(422, () => post(JSON.stringify({ ...good(), ...members })), "invalid_request");
    const problem: unknown = JSON.parse(reply.text);
    expect(at(problem, "errors")).toMatchObject([{ pointer, detail: expect.any(String) }]);
  });

  test.each(["1e400", "1.5", "-1", "5", "true", "null", '["7"]', "{}"])("the amount %s", async (amount) => {
    const body = JSON.stringify(good()).replace('"amount":"1"', `"amount":${amount}`);
    await expectRefused(422, () => post(body), "amount_invalid");
  });

  test("several faults are reported together", async () => {
    const reply = await expectRefused(422, () => post(JSON.stringify({ payer, amount: "0", color: "red" })));
    const pointers = at(JSON.parse(reply.text), "errors");
    expect(pointers).toHaveLength(4);
  });

  test.each(harmlessNumbers)("%s is no card number", async (reference) => {
    const reply = await operator.post("/v1/payments?dryRun=true", { ...good(), reference });
    expect(reply.status, reply.text).toBe(201);
  });

  test("business refusals are stored, one event each, and move nothing", async () => {
    const yen = await openAccount(operator, { type: "merchant", currency: "JPY" });
    const refusals: readonly [object, string][] = [
      [{ payee: payer }, "same_account"],
      [{ payee: yen }, "currency_mismatch"],
      [{ currency: "USD" }, "currency_mismatch"],
      [{ amount: "999999999999999999" }, "insufficient_funds"],
    ];
    const appended = await eventsDuring(operator, async () => {
      for (const [members, code] of refusals) {
        const id = randomUUID();
        const first = await operator.post("/v1/payments", { ...good(), ...members }, { key: id });
        expectProblem(first, 422, code);
        expect((await operator.post("/v1/payments", { ...good(), ...members }, { key: id })).text).toBe(first.text);
      }
    });
    expect(appended).toBe(refusals.length);
  });
});

describe("afterwards", () => {
  test("no money has moved, and the server serves", async () => {
    expect(await balancesOf(operator, payer)).toEqual(before);
    const reply = await pay(operator, { payer, payee, amount: "1" });
    expect(reply.status).toBe(201);
    expect(textAt(reply.body, "id")).toMatch(/^pay_/);
  });

  test("a connection that is only opened, or cut halfway, harms nobody", async () => {
    const { hostname, port } = new URL(ledger.url);
    const sockets = Array.from({ length: 50 }, () => connect(Number(port), hostname));
    for (const socket of sockets) socket.end("POST /v1/payments HTTP/1.1\r\nHost: x\r\nContent-Le");
    await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.on("close", resolve).resume())));
    expect((await pay(operator, { payer, payee, amount: "1" })).status).toBe(201);
  });
});

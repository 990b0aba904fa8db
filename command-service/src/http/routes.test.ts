import { type ClientCommand, parseBusinessDate, parseInstant } from "ledger-core";
import { examples } from "ledger-core/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { fingerprint } from "../fingerprint.ts";
import { type FakeWriter, fakeWriter } from "../testing/fake-writer.ts";
import { type Sent, serveCommands } from "../testing/served.ts";

const { alice, bob, shop, noPayment } = examples;
const pays = { payer: alice, payee: shop, amount: "1250", currency: "HKD" };

let writer: FakeWriter;
let served: Awaited<ReturnType<typeof serveCommands>>;
beforeAll(async () => {
  writer = fakeWriter();
  served = await serveCommands({ writer, keyWaitMs: 50 });
});
beforeEach(() => {
  writer.submissions.length = 0;
  writer.override = undefined;
});
afterAll(() => served.app.close());

const post = (sent: Sent) => served.post(sent);
const refusedAs = (status: number, code: string) => ({ status, json: { status, code } });

describe("a body becomes its command:", () => {
  const wallet = { type: "wallet", currency: "HKD", owner: "carol" };
  const limits = { floor: "-500", perTransaction: "100", perDay: null };
  const expiresAt = "2026-12-01T00:00:00Z";
  const date = parseBusinessDate("2026-01-31");
  const at = parseInstant(expiresAt);
  if (!date || !at) throw new Error("the example times exist");

  test.each<[string, string, unknown, ClientCommand]>([
    ["an account with nothing but what it needs", "/v1/accounts", wallet, examples.open({ timeZone: "UTC" })],
    [
      "an account with all it can have",
      "/v1/accounts",
      {
        ...wallet,
        type: "merchant",
        displayName: "Carol's",
        timeZone: "Asia/Tokyo",
        limits,
        metadata: { b: "2", a: "1" },
      },
      examples.open({
        accountType: "merchant",
        displayName: "Carol's",
        timeZone: "Asia/Tokyo",
        limits: { floor: -500n, perTransaction: 100n, perDay: null },
        metadata: { a: "1", b: "2" },
      }),
    ],
    [
      "a bank, which has no floor",
      "/v1/accounts",
      { ...wallet, type: "bank" },
      examples.open({
        accountType: "bank",
        timeZone: "UTC",
        limits: { floor: null, perTransaction: null, perDay: null },
      }),
    ],
    [
      "a wallet that may go down without end",
      "/v1/accounts",
      { ...wallet, limits: { floor: null } },
      examples.open({ timeZone: "UTC", limits: { floor: null, perTransaction: null, perDay: null } }),
    ],
    ["freeze", `/v1/accounts/${bob}/freeze`, { reason: "under review" }, examples.freeze(bob)],
    ["unfreeze", `/v1/accounts/${bob}/unfreeze`, { reason: "review closed" }, examples.unfreeze(bob)],
    ["close", `/v1/accounts/${bob}/close`, { reason: "customer left" }, examples.close(bob)],
    [
      "a transfer",
      "/v1/transfers",
      { legs: [{ from: alice, to: bob, amount: "5" }], currency: "HKD", effectiveDate: "2026-01-31", reference: "r" },
      examples.transfer([[alice, bob, 5n]], { reference: "r", effectiveDate: date }),
    ],
    [
      "a top-up",
      "/v1/top-ups",
      { account: alice, amount: "9007199254740993", currency: "HKD", rail: "fps" },
      examples.topUp(9_007_199_254_740_993n),
    ],
    [
      "a payout",
      "/v1/payouts",
      { account: shop, amount: "7", currency: "HKD", rail: "fps", externalId: "x-1" },
      examples.payOut(7n, { externalId: "x-1" }),
    ],
    ["a payment", "/v1/payments", pays, examples.pay(1250n)],
    [
      "an authorization",
      "/v1/payments",
      { ...pays, capture: "manual", expiresAt, reference: "r", metadata: { order: "2026112200012345" } },
      examples.authorize(1250n, { expiresAt: at, reference: "r", metadata: { order: "2026112200012345" } }),
    ],
    ["a capture of all", `/v1/payments/${noPayment}/capture`, undefined, examples.capture(noPayment)],
    [
      "a final capture",
      `/v1/payments/${noPayment}/capture`,
      { amount: "6", final: true },
      examples.capture(noPayment, 6n, true),
    ],
    ["a void", `/v1/payments/${noPayment}/void`, {}, examples.voidOf(noPayment)],
    ["a void without a body", `/v1/payments/${noPayment}/void`, undefined, examples.voidOf(noPayment)],
    ["a refund of all", `/v1/payments/${noPayment}/refunds`, {}, examples.refund(noPayment)],
    [
      "a refund with a reason",
      `/v1/payments/${noPayment}/refunds`,
      { amount: "6", reason: "late" },
      { ...examples.refund(noPayment, 6n), reason: "late" },
    ],
  ])("%s", async (_name, url, body, command) => {
    await post({ url, body, key: "the key" });
    expect(writer.submissions).toEqual([{ caller: examples.operator, key: "the key", command }]);
    expect(writer.submissions.map((sent) => fingerprint(sent.command))).toEqual([fingerprint(command)]);
  });
});

describe("an answer", () => {
  test("says what was made, and where in the log", async () => {
    const { status, headers, json } = await post({ url: "/v1/payments", body: pays });
    expect(status).toBe(201);
    expect(headers["content-type"]).toBe("application/json; charset=utf-8");
    expect(headers["ledger-position"]).toBe(`0:${writer.events.length - 1}`);
    expect(headers).not.toHaveProperty("idempotency-replayed");
    expect(json).toMatchObject({ payer: alice, payee: shop, amount: "1250", status: "captured" });
  });

  test("that is a recorded refusal is a problem that names its event", async () => {
    const { status, headers, json } = await post({
      url: "/v1/payments",
      body: { ...pays, payer: bob, amount: "999999999" },
    });
    expect(status).toBe(422);
    expect(headers["content-type"]).toBe("application/problem+json");
    expect(headers["ledger-position"]).toBe(`0:${writer.events.length - 1}`);
    expect(json).toMatchObject({ code: "insufficient_funds", instance: `urn:payledger:${writer.events.at(-1)?.id}` });
  });

  test("that is not recorded has no position", async () => {
    const answer = await post({ url: `/v1/payments/${noPayment}/void` });
    expect(answer).toMatchObject(refusedAs(404, "payment_not_found"));
    expect(answer.headers).not.toHaveProperty("ledger-position");
  });

  test("given before comes back byte for byte and says so", async () => {
    const first = await post({ url: "/v1/payments", body: pays });
    const event = writer.events.at(-1);
    if (!event) throw new Error("the payment was recorded");
    writer.override = async () => ({ kind: "recorded", event, replayed: true });
    const second = await post({ url: "/v1/payments", body: pays });
    expect(second.text).toBe(first.text);
    expect(second.headers["idempotency-replayed"]).toBe("true");
    expect(second.headers["ledger-position"]).toBe(first.headers["ledger-position"]);
  });

  test("of a dry run says so and has no position, whatever the outcome", async () => {
    for (const [amount, status] of [
      ["1", 201],
      ["999999999", 422],
      ["0", 422],
    ] as const) {
      const answer = await post({ url: "/v1/payments?dryRun=true", body: { ...pays, payer: bob, amount } });
      expect(answer.status).toBe(status);
      expect(answer.headers["ledger-dry-run"]).toBe("true");
      expect(answer.headers).not.toHaveProperty("ledger-position");
    }
  });
});

describe("a second request under the key of one in progress", () => {
  test("is refused after a while, and the first is not", async () => {
    const settled = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    const event = writer.events.at(-1);
    if (!event) throw new Error("there is an event");
    writer.override = async () => {
      arrived.resolve();
      await settled.promise;
      return { kind: "recorded", event, replayed: false };
    };
    const first = post({ url: "/v1/payments", body: pays, key: "same" });
    await arrived.promise;
    const second = await post({ url: "/v1/payments", body: pays, key: "same" });
    expect(second).toMatchObject(refusedAs(409, "idempotency_key_in_progress"));
    settled.resolve();
    expect((await first).headers["ledger-position"]).toBeDefined();
  });

  test("is not one of another subject or tenant", async () => {
    const settled = Promise.withResolvers<void>();
    const event = writer.events.at(-1);
    if (!event) throw new Error("there is an event");
    writer.override = async ({ caller }) => {
      if (caller === undefined || caller.sub === examples.operator.sub) await settled.promise;
      return { kind: "recorded", event, replayed: false };
    };
    const first = post({ url: "/v1/payments", body: pays, key: "same" });
    const other = await post({ url: "/v1/payments", body: pays, key: "same", caller: examples.consumer("alice") });
    expect(other.headers["ledger-position"]).toBeDefined();
    settled.resolve();
    await first;
  });
});

describe("roles", () => {
  const commands = {
    open: ["/v1/accounts", { type: "wallet", currency: "HKD", owner: "x" }],
    freeze: [`/v1/accounts/${bob}/freeze`, { reason: "r" }],
    unfreeze: [`/v1/accounts/${bob}/unfreeze`, { reason: "r" }],
    close: [`/v1/accounts/${bob}/close`, { reason: "r" }],
    transfer: ["/v1/transfers", { legs: [{ from: alice, to: bob, amount: "1" }], currency: "HKD" }],
    topUp: ["/v1/top-ups", { account: alice, amount: "1", currency: "HKD", rail: "fps" }],
    payOut: ["/v1/payouts", { account: shop, amount: "1", currency: "HKD", rail: "fps" }],
    pay: ["/v1/payments", pays],
    capture: [`/v1/payments/${noPayment}/capture`, {}],
    void: [`/v1/payments/${noPayment}/void`, {}],
    refund: [`/v1/payments/${noPayment}/refunds`, {}],
    bulk: ["/v1/bulk", { mode: "each", items: [{}] }],
  } as const;
  const all = Object.keys(commands);

  test.each([
    [examples.operator, all],
    [examples.service, all.filter((name) => !["freeze", "unfreeze", "close"].includes(name))],
    [examples.consumer("alice"), ["pay", "bulk"]],
    [examples.merchant("sam"), ["payOut", "pay", "capture", "void", "refund", "bulk"]],
    [examples.auditor, []],
    [{ ...examples.auditor, role: "platform" } as const, []],
  ])("$role may send what the policy says and gets 403 for the rest", async (caller, allowed) => {
    const passed: string[] = [];
    for (const [name, [url, body]] of Object.entries(commands)) {
      const answer = await post({ url, body, caller });
      if (answer.status === 403) expect(answer.json.code).toBe("forbidden");
      else passed.push(name);
    }
    expect(passed).toEqual(allowed);
  });

  test("are looked at before the body", async () => {
    const answer = await post({ url: "/v1/accounts", body: { nonsense: 1 }, caller: examples.auditor });
    expect(answer).toMatchObject(refusedAs(403, "forbidden"));
  });
});

describe("bodies", () => {
  const opened = { type: "merchant", currency: "HKD", owner: "carol" };
  const moved = { account: alice, amount: "3", currency: "HKD", rail: "fps" };
  const posted = { legs: [{ from: alice, to: bob, amount: "1" }], currency: "HKD" };

  test.each<[string, string, unknown, string]>([
    ["an empty display name", "/v1/accounts", { ...opened, displayName: "" }, "/displayName"],
    ["a display name of 141 characters", "/v1/accounts", { ...opened, displayName: "n".repeat(141) }, "/displayName"],
    [
      "a card number as display name",
      "/v1/accounts",
      { ...opened, displayName: "4111 1111 1111 1111" },
      "/displayName",
    ],
    ["an owner of 65 characters", "/v1/accounts", { ...opened, owner: "o".repeat(65) }, "/owner"],
    ["an owner with a space", "/v1/accounts", { ...opened, owner: "a b" }, "/owner"],
    ["an owner that is a rail's", "/v1/accounts", { ...opened, owner: "rail:fps" }, "/owner"],
    ["an owner that is the ledger's", "/v1/accounts", { ...opened, owner: "ledger:fees" }, "/owner"],
    ["an owner that is a shard's", "/v1/accounts", { ...opened, owner: "transit:1" }, "/owner"],
    ["an owner that is a card number", "/v1/accounts", { ...opened, owner: "4111-1111-1111-1111" }, "/owner"],
    ["an empty reason", `/v1/accounts/${bob}/freeze`, { reason: "" }, "/reason"],
    ["a reason of 501 characters", `/v1/accounts/${bob}/freeze`, { reason: "r".repeat(501) }, "/reason"],
    ["an empty reason of a refund", `/v1/payments/${noPayment}/refunds`, { reason: "" }, "/reason"],
    ["an empty reference of a transfer", "/v1/transfers", { ...posted, reference: "" }, "/reference"],
    ["an empty external id", "/v1/top-ups", { ...moved, externalId: "" }, "/externalId"],
    ["an external id of 141 characters", "/v1/payouts", { ...moved, externalId: "x".repeat(141) }, "/externalId"],
    ["a rail that is not configured", "/v1/top-ups", { ...moved, rail: "pigeon" }, "/rail"],
    ["a rail in capitals", "/v1/payouts", { ...moved, rail: "FPS" }, "/rail"],
    ["a void with a field", `/v1/payments/${noPayment}/void`, { reason: "r" }, "/reason"],
  ])("with %s are told", async (_name, url, body, pointer) => {
    const answer = await post({ url, body });
    expect(answer).toMatchObject(refusedAs(422, "invalid_request"));
    expect(answer.json.errors.map((fault: { pointer: string }) => fault.pointer)).toContain(pointer);
    expect(answer.text).not.toContain("1111");
    expect(writer.submissions).toEqual([]);
  });

  test("may have a display name of 140 characters and empty values in metadata", async () => {
    await post({ url: "/v1/accounts", body: { ...opened, displayName: "n".repeat(140), metadata: { a: "" } } });
    expect(writer.submissions).toHaveLength(1);
  });

  test.each(["0", "-5", "+5", "007", "1.5", "", "9".repeat(19), 5, null, ["7"]])(
    "with the amount %j are amount_invalid",
    async (amount) => {
      for (const [url, body] of [
        ["/v1/payments", { ...pays, amount }],
        ["/v1/top-ups", { ...moved, amount }],
        ["/v1/transfers", { ...posted, legs: [{ from: alice, to: bob, amount }] }],
        [`/v1/payments/${noPayment}/capture`, { amount }],
        [`/v1/payments/${noPayment}/refunds`, { amount }],
      ] as const)
        expect(await post({ url, body }), url).toMatchObject(refusedAs(422, "amount_invalid"));
    },
  );

  test("without an amount are invalid_request", async () => {
    const { amount, ...rest } = pays;
    expect(amount).toBe("1250");
    expect(await post({ url: "/v1/payments", body: rest })).toMatchObject(refusedAs(422, "invalid_request"));
  });

  test("with 60 faults get 50 pointers and the number of the others", async () => {
    const legs = Array.from({ length: 60 }, () => ({ from: alice, to: bob, amount: "0" }));
    const { json } = await post({ url: "/v1/transfers", body: { legs, currency: "HKD" } });
    expect(json.code).toBe("amount_invalid");
    expect(json.errors).toHaveLength(51);
    expect(json.errors[49].pointer).toBe("/legs/49/amount");
    expect(json.errors[50]).toEqual({ pointer: "", detail: "10 more faults are not listed" });
  });
});

test("rails are configuration, for single commands and for items of a bulk", async () => {
  const other = await serveCommands({ writer, rails: ["pigeon"] });
  const moved = { account: alice, amount: "3", currency: "HKD" };
  for (const [rail, status] of [
    ["pigeon", 201],
    ["fps", 422],
  ] as const) {
    const answer = await other.post({ url: "/v1/top-ups", body: { ...moved, rail } });
    expect(answer.status, rail).toBe(status);
    const item = { idempotencyKey: "i", command: "payout", ...moved, account: shop, rail };
    const bulk = await other.post({ url: "/v1/bulk", body: { mode: "each", items: [item] } });
    const [result] = bulk.json.results;
    expect(result.problem?.errors?.[0]?.pointer, rail).toBe(status === 422 ? "/rail" : undefined);
  }
  await other.app.close();
});

test("every route is in the reference with its body, its key and its answers", async () => {
  const { paths } = (await served.app.inject("/openapi.json")).json();
  const routes = Object.entries<Record<string, Record<string, unknown>>>(paths);
  expect(routes.map(([path]) => path)).toHaveLength(12);
  for (const [path, { post: route }] of routes) {
    const answers = Object.keys(Object(route?.responses));
    const named = path === "/v1/accounts" || path === "/v1/bulk" ? [] : ["404"];
    const refusals = ["400", "401", "403", ...named, "408", "409", "413", "415", "422", "429", "431", "503"];
    expect(answers, path).toEqual([expect.stringMatching(/^20[01]$/), ...refusals]);
    expect(Object(route?.requestBody).required, path).toBe(!/\/(capture|void|refunds)$/.test(path));
    expect(JSON.stringify(route?.parameters), path).toContain('"name":"idempotency-key"');
    expect(JSON.stringify(route?.requestBody), path).toContain("application/json");
  }
});

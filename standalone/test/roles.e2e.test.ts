import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client } from "./client.ts";
import { createLedger } from "./harness.ts";
import { at, textAt } from "./json.ts";
import { authorize, expectProblem, fundedWallet, openAccount, pay, problemText, readAll } from "./steps.ts";

const ledger = createLedger();
const roles = ["operator", "service", "consumer", "merchant", "auditor", "platform"] as const;
type Role = (typeof roles)[number];
const clients = new Map<Role, Client>();
let operator: Client;
let wallet: string;
let shop: string;
let stranger: string;
let strangeShop: string;
let foreign: Client;
beforeAll(async () => {
  await ledger.start();
  operator = await ledger.as("operator", "office");
  // A platform token under an owner's name opens nothing of that owner's.
  const others = { auditor: "auditor", platform: "ann" };
  const owners = { operator: "office", service: "gateway", consumer: "ann", merchant: "shop", ...others };
  for (const role of roles) clients.set(role, await ledger.as(role, owners[role]));
  wallet = await fundedWallet(operator, "100000", { owner: "ann" });
  stranger = await fundedWallet(operator, "100000", { owner: "zoe" });
  shop = await openAccount(operator, { type: "merchant", owner: "shop" });
  strangeShop = await openAccount(operator, { type: "merchant", owner: "other-shop" });
  foreign = await ledger.as("operator", "office", "another");
});
afterAll(() => ledger.remove());

const client = (role: Role): Client => clients.get(role) ?? operator;

describe("who may command", () => {
  const open = async (by: Client) => by.post("/v1/accounts", { type: "wallet", currency: "HKD", owner: "new" });
  const status = async (by: Client, verb: string) => {
    const account = await openAccount(operator);
    if (verb === "unfreeze") await operator.post(`/v1/accounts/${account}/freeze`, { reason: "r" });
    return by.post(`/v1/accounts/${account}/${verb}`, { reason: "r" });
  };
  const transfer = async (by: Client) =>
    by.post("/v1/transfers", { legs: [{ from: wallet, to: stranger, amount: "1" }], currency: "HKD" });
  const rail = { amount: "1", currency: "HKD", rail: "fps" };
  const funded = async () => {
    const made = await pay(operator, { payer: wallet, payee: shop, amount: "1" });
    return textAt(made.body, "id");
  };
  const commands: readonly [string, readonly Role[], (by: Client) => Promise<{ status: number; text: string }>][] = [
    ["open an account", ["operator", "service"], open],
    ["freeze", ["operator"], (by) => status(by, "freeze")],
    ["unfreeze", ["operator"], (by) => status(by, "unfreeze")],
    ["close", ["operator"], (by) => status(by, "close")],
    ["transfer", ["operator", "service"], transfer],
    ["top up", ["operator", "service"], (by) => by.post("/v1/top-ups", { account: wallet, ...rail })],
    [
      "pay from the wallet",
      ["operator", "service", "consumer"],
      (by) => pay(by, { payer: wallet, payee: shop, amount: "1" }),
    ],
    [
      "authorize from the wallet",
      ["operator", "service", "consumer"],
      (by) => pay(by, { payer: wallet, payee: shop, amount: "1", capture: "manual" }),
    ],
    [
      "capture",
      ["operator", "service", "merchant"],
      async (by) => by.post(`/v1/payments/${await authorize(operator, wallet, shop, "1")}/capture`, {}),
    ],
    [
      "void",
      ["operator", "service", "merchant"],
      async (by) => by.post(`/v1/payments/${await authorize(operator, wallet, shop, "1")}/void`),
    ],
    [
      "refund",
      ["operator", "service", "merchant"],
      async (by) => by.post(`/v1/payments/${await funded()}/refunds`, {}),
    ],
    [
      "pay from the shop",
      ["operator", "service", "merchant"],
      async (by) => {
        await funded();
        return pay(by, { payer: shop, payee: wallet, amount: "1" });
      },
    ],
    [
      "pay out from the shop",
      ["operator", "service", "merchant"],
      async (by) => {
        await funded();
        return by.post("/v1/payouts", { account: shop, ...rail });
      },
    ],
  ];
  const cases = commands.flatMap(([name, allowed, send]) =>
    roles.map((role) => [role, allowed.includes(role) ? "may" : "may not", name, send] as const),
  );
  test.each(cases)("%s %s %s", async (role, may, _, send) => {
    const reply = await send(client(role));
    if (may === "may") expect([200, 201], reply.text).toContain(reply.status);
    // A role that may never do it gets 403. A role that may, but not with this account, gets the answer for a missing
    // account.
    else expect([403, 404], reply.text).toContain(reply.status);
  });

  test("a wrong role is 403 before anything is looked at", async () => {
    const auditor = client("auditor");
    expectProblem(await open(auditor), 403);
    expectProblem(await auditor.post(`/v1/accounts/acct_${"0".repeat(26)}/freeze`, { reason: "r" }), 403);
    expectProblem(await client("consumer").post("/v1/top-ups", { account: wallet, ...rail }), 403);
  });

  test("a consumer and a merchant command their own accounts only; others' are like absent ones", async () => {
    const absent = `acct_${"0".repeat(26)}`;
    const consumer = client("consumer");
    const theirs = await pay(consumer, { payer: stranger, payee: shop, amount: "1" });
    const none = await pay(consumer, { payer: absent, payee: shop, amount: "1" });
    expectProblem(theirs, 404, "account_not_found");
    expect(problemText(theirs, stranger)).toBe(problemText(none, absent));
    const merchant = client("merchant");
    expectProblem(await merchant.post("/v1/payouts", { account: strangeShop, ...rail }), 404, "account_not_found");
    const held = await authorize(operator, wallet, strangeShop, "1");
    for (const verb of ["capture", "void", "refunds"])
      expectProblem(await merchant.post(`/v1/payments/${held}/${verb}`, {}), 404, "payment_not_found");
  });
});

describe("who may read", () => {
  test("consumers and merchants see the objects that touch an account of theirs; others seem absent", async () => {
    const ours = textAt((await pay(operator, { payer: wallet, payee: shop, amount: "1" })).body, "id");
    const theirs = textAt((await pay(operator, { payer: stranger, payee: strangeShop, amount: "1" })).body, "id");
    for (const role of ["consumer", "merchant"] as const) {
      expect((await client(role).get(`/v1/payments/${ours}`)).status).toBe(200);
      const hidden = await client(role).get(`/v1/payments/${theirs}`);
      const absentId = `pay_${"0".repeat(26)}`;
      const absent = await client(role).get(`/v1/payments/${absentId}`);
      expectProblem(hidden, 404);
      expect(problemText(hidden, theirs)).toBe(problemText(absent, absentId));
      for (const path of ["", "/entries", "/balance", "/recommendations"])
        expectProblem(await client(role).get(`/v1/accounts/${stranger}${path}`), 404);
      expect(await readAll(client(role), "/v1/accounts?owner=zoe")).toEqual([]);
      expect(await readAll(client(role), `/v1/payments?account=${stranger}`)).toEqual([]);
      const seen = await readAll(client(role), "/v1/payments");
      expect(seen.length).toBeGreaterThan(0);
      expect(
        seen.every((payment) =>
          [at(payment, "payer"), at(payment, "payee")].some((id) => id === wallet || id === shop),
        ),
      ).toBe(true);
    }
    expect((await readAll(client("consumer"), "/v1/accounts")).map((account) => at(account, "id"))).toEqual([wallet]);
    for (const role of ["operator", "service", "auditor"] as const)
      expect((await client(role).get(`/v1/payments/${theirs}`)).status).toBe(200);
  });

  test("the platform role reads no tenant's data, and no tenant's operator runs the platform", async () => {
    for (const path of ["/accounts", `/accounts/${wallet}`, "/payments", "/me/session"])
      expectProblem(await client("platform").get(`/v1${path}`), 403, "forbidden");
    expect((await client("platform").get("/metrics")).status).toBe(200);
    expectProblem(await operator.get("/metrics"), 403, "forbidden");
    expectProblem(await operator.post("/admin/rebuilds", { projection: "models" }), 403, "forbidden");
    expectProblem(await operator.get("/admin/rebuilds/models"), 403, "forbidden");
  });

  test("another tenant sees and moves nothing", async () => {
    const payment = textAt((await pay(operator, { payer: wallet, payee: shop, amount: "1" })).body, "id");
    expect(await readAll(foreign, "/v1/accounts")).toEqual([]);
    expect(await readAll(foreign, "/v1/payments")).toEqual([]);
    expectProblem(await foreign.get(`/v1/accounts/${wallet}`), 404);
    expectProblem(await foreign.get(`/v1/payments/${payment}`), 404);
    expectProblem(await foreign.post(`/v1/payments/${payment}/refunds`, {}), 404, "payment_not_found");
    expectProblem(await foreign.post(`/v1/accounts/${wallet}/freeze`, { reason: "r" }), 404, "account_not_found");
    const theirs = await openAccount(foreign);
    expectProblem(await pay(foreign, { payer: theirs, payee: shop, amount: "1" }), 404, "account_not_found");
    const legs = [{ from: wallet, to: theirs, amount: "1" }];
    expectProblem(await foreign.post("/v1/transfers", { legs, currency: "HKD" }), 404, "account_not_found");
  });
});

describe("states of an account", () => {
  test("frozen: credits and captures of earlier authorizations pass, new debits do not", async () => {
    const payer = await fundedWallet(operator, "100", { owner: "cold" });
    const held = await authorize(operator, payer, shop, "10");
    const paid = textAt((await pay(operator, { payer, payee: shop, amount: "1" })).body, "id");
    const frozen = await operator.post(`/v1/accounts/${payer}/freeze`, { reason: "lost phone" });
    expect(frozen.body).toMatchObject({ id: payer, status: "frozen" });
    expectProblem(await pay(operator, { payer, payee: shop, amount: "1" }), 422, "account_frozen");
    expectProblem(await pay(operator, { payer, payee: shop, amount: "1", capture: "manual" }), 422, "account_frozen");
    expect((await operator.post(`/v1/payments/${held}/capture`, {})).status).toBe(200);
    expect((await operator.post(`/v1/payments/${paid}/refunds`, {})).status).toBe(201);
    await operator.post(`/v1/accounts/${payer}/unfreeze`, { reason: "found" });
    expect((await pay(operator, { payer, payee: shop, amount: "1" })).status).toBe(201);
  });

  test("closed: only when empty, and then not open both ways", async () => {
    const account = await fundedWallet(operator, "5", { owner: "leaving" });
    const close = () => operator.post(`/v1/accounts/${account}/close`, { reason: "goodbye" });
    expectProblem(await close(), 422, "account_not_empty");
    await pay(operator, { payer: account, payee: shop, amount: "5" });
    expect((await close()).body).toMatchObject({ id: account, status: "closed" });
    expectProblem(await pay(operator, { payer: account, payee: shop, amount: "1" }), 422, "account_not_open");
    expectProblem(await pay(operator, { payer: wallet, payee: account, amount: "1" }), 422, "account_not_open");
    expect(await readAll(operator, "/v1/accounts?owner=leaving&status=closed")).toHaveLength(1);
  });

  test("limits per transaction and per day", async () => {
    const limits = { perTransaction: "50", perDay: "100" };
    const payer = await fundedWallet(operator, "1000", { owner: "careful", limits });
    expect((await operator.get(`/v1/accounts/${payer}`)).body).toMatchObject({ limits: { floor: "0", ...limits } });
    expectProblem(await pay(operator, { payer, payee: shop, amount: "51" }), 422, "limit_per_transaction");
    for (const amount of ["50", "40"]) expect((await pay(operator, { payer, payee: shop, amount })).status).toBe(201);
    expectProblem(await pay(operator, { payer, payee: shop, amount: "11" }), 422, "limit_per_day");
    expect((await pay(operator, { payer, payee: shop, amount: "10" })).status).toBe(201);
  });
});

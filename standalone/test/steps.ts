import { expect } from "vitest";
import { type Client, type ClientReply, revisionOf } from "./client.ts";
import { at, listAt, textAt } from "./json.ts";

/** Steps shared by many scenarios; each asserts that it succeeded. */

export async function openAccount(
  operator: Client,
  fields: { type?: string; currency?: string; owner?: string; [field: string]: unknown } = {},
): Promise<string> {
  const { type = "wallet", currency = "HKD", owner = "someone", ...rest } = fields;
  const reply = await operator.post("/v1/accounts", { type, currency, owner, ...rest });
  expect(reply.status, reply.text).toBe(201);
  return textAt(reply.body, "id");
}

/** A wallet with money. */
export async function fundedWallet(
  operator: Client,
  amount: string,
  fields: { currency?: string; owner?: string; [field: string]: unknown } = {},
): Promise<string> {
  const account = await openAccount(operator, fields);
  await topUp(operator, account, amount, fields.currency);
  return account;
}

export async function topUp(operator: Client, account: string, amount: string, currency = "HKD"): Promise<ClientReply> {
  const reply = await operator.post("/v1/top-ups", { account, amount, currency, rail: "fps" });
  expect(reply.status, reply.text).toBe(201);
  return reply;
}

/** A payment as its answer shows it. */
export async function pay(
  client: Client,
  fields: { payer: string; payee: string; amount: string; currency?: string; [field: string]: unknown },
): Promise<ClientReply> {
  return client.post("/v1/payments", { currency: "HKD", ...fields });
}

export async function authorize(client: Client, payer: string, payee: string, amount: string): Promise<string> {
  const reply = await pay(client, { payer, payee, amount, capture: "manual" });
  expect(reply.status, reply.text).toBe(201);
  return textAt(reply.body, "id");
}

export type BalanceTexts = { readonly posted: string; readonly held: string; readonly available: string };

export async function balancesOf(client: Client, account: string): Promise<BalanceTexts> {
  const reply = await client.get(`/v1/accounts/${account}`);
  expect(reply.status, reply.text).toBe(200);
  const text = (name: string) => textAt(reply.body, "balances", name);
  return { posted: text("posted"), held: text("held"), available: text("available") };
}

/** Every item of a list, page by page. */
export async function readAll(client: Client, path: string, limit = 200): Promise<readonly unknown[]> {
  const items: unknown[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const join: string = path.includes("?") ? "&" : "?";
    const page: ClientReply = await client.get(
      `${path}${join}limit=${limit}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
    );
    expect(page.status, page.text).toBe(200);
    items.push(...listAt(page.body, "data"));
    const next = at(page.body, "nextCursor");
    cursor = typeof next === "string" ? next : null;
  }
  return items;
}

/** All entries of an account, newest first. */
export function entriesOf(client: Client, account: string): Promise<readonly unknown[]> {
  return readAll(client, `/v1/accounts/${account}/entries`);
}

export function sumOf(items: readonly unknown[], ...path: readonly string[]): bigint {
  return items.reduce<bigint>((sum, item) => sum + BigInt(textAt(item, ...path)), 0n);
}

/** The sum of all posted balances of a tenant, the ledger's own accounts included: always zero. */
export async function sumOfLedger(operator: Client): Promise<bigint> {
  return sumOf(await readAll(operator, "/v1/accounts"), "balances", "posted");
}

/** The number of events that `work` appended: two accounts opened before and after it mark the range. */
export async function eventsDuring(operator: Client, work: () => Promise<unknown>): Promise<number> {
  const mark = async () => {
    const reply = await operator.post("/v1/accounts", { type: "wallet", currency: "HKD", owner: "mark" });
    expect(reply.status, reply.text).toBe(201);
    return revisionOf(reply);
  };
  const before = await mark();
  await work();
  return (await mark()) - before - 1;
}

/** Expects a problem in RFC 9457's form with this status and code. */
export function expectProblem(reply: ClientReply, status: number, code?: string): void {
  expect(reply.status, reply.text).toBe(status);
  expect(reply.headers.get("content-type")).toMatch(/^application\/problem\+json/);
  expect(reply.body).toMatchObject({ status, title: expect.any(String), detail: expect.any(String) });
  expect(at(reply.body, "code")).toMatch(/^[a-z][a-z0-9_]*$/);
  expect(at(reply.body, "type")).toBe(`/problems/${at(reply.body, "code")}`);
  if (code) expect(at(reply.body, "code")).toBe(code);
  expect(reply.text).not.toMatch(/\bat .+\.ts:\d+/);
}

/** The text of a problem, without the member that identifies the occurrence. */
export function problemText(reply: ClientReply, id: string): string {
  const { instance, ...rest } = { instance: undefined, ...Object(reply.body) };
  expect(instance).toEqual(expect.any(String));
  return JSON.stringify(rest).replaceAll(id, "ID");
}

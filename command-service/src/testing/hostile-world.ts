import { randomUUID } from "node:crypto";
import { type Caller, parsePosition } from "ledger-core";
import { type SigningKeys, signToken } from "ledger-core/http/tokens";
import { requestBytes, sendRaw } from "ledger-core/testing";

/** Targets of hostile requests: real objects of a server, and tokens that it accepts. */
export type HostileWorld = {
  readonly keys: SigningKeys;
  readonly tokens: Readonly<Record<"operator" | "owner" | "thief" | "stranger" | "auditor", string>>;
  /** Wallets in HKD; the payer's holds 1000. */
  readonly payer: string;
  readonly payee: string;
  /** In JPY. */
  readonly foreign: string;
  /** Payments of 100 each, from payer to payee: one captured, one not. */
  readonly captured: string;
  readonly authorized: string;
  /** The key under which `captured` was made. */
  readonly usedKey: string;
};

/** Makes the objects through the server's own API. Nothing changes its log afterwards. */
export async function prepareHostileWorld(port: number, keys: SigningKeys): Promise<HostileWorld> {
  const tenant = `hostile-${randomUUID().slice(0, 8)}`;
  const token = (caller: Partial<Caller>) =>
    signToken({ tenant, role: "operator", sub: "olga", ...caller, ttlSeconds: 3600 }, keys);
  const operator = await token({});
  const usedKey = `used-${randomUUID()}`;

  async function make(path: string, body: object, key: string = randomUUID()): Promise<string> {
    const answer = await sendRaw(port, postBytes({ path, body: JSON.stringify(body), token: operator, key }));
    if (answer?.status !== 201 || !parsePosition(answer.headers.get("ledger-position") ?? ""))
      throw new Error(`${path} answered ${answer?.status}: ${answer?.body}`);
    return JSON.parse(answer.body).id;
  }

  const payer = await make("/v1/accounts", { type: "wallet", currency: "HKD", owner: "alice" });
  const payee = await make("/v1/accounts", { type: "wallet", currency: "HKD", owner: "bob" });
  const foreign = await make("/v1/accounts", { type: "wallet", currency: "JPY", owner: "alice" });
  await make("/v1/top-ups", { account: payer, amount: "1200", currency: "HKD", rail: "fps" });
  const payment = { payer, payee, amount: "100", currency: "HKD" };
  return {
    keys,
    tokens: {
      operator,
      owner: await token({ role: "consumer", sub: "alice" }),
      thief: await token({ role: "consumer", sub: "mallory" }),
      stranger: await token({ tenant: `${tenant}-b` }),
      auditor: await token({ role: "auditor" }),
    },
    payer,
    payee,
    foreign,
    captured: await make("/v1/payments", payment, usedKey),
    authorized: await make("/v1/payments", { ...payment, capture: "manual" }),
    usedKey,
  };
}

export type Post = {
  readonly path: string;
  readonly token: string | null;
  /** Null for no Idempotency-Key. */
  readonly key: string | null;
  readonly body?: string | Uint8Array;
  readonly headers?: readonly (readonly [name: string, value: string])[];
};

/** A POST as bytes. Its content type is JSON unless the headers say otherwise. */
export function postBytes({ path, token, key, body, headers = [] }: Post): Buffer {
  const typed = body === undefined || headers.some(([name]) => name === "Content-Type");
  return requestBytes({
    method: "POST",
    path,
    headers: [
      ...(token === null ? [] : [["Authorization", `Bearer ${token}`] as const]),
      ...(key === null ? [] : [["Idempotency-Key", key] as const]),
      ...(typed ? [] : [["Content-Type", "application/json"] as const]),
      ...headers,
    ],
    ...(body === undefined ? {} : { body }),
  });
}

import { randomUUID } from "node:crypto";
import { signToken } from "ledger-core/http/tokens";
import { hostileTokens, requestBytes } from "ledger-core/testing";
import { type HostileBody, hostilePayments, unreadableBodies } from "./hostile-bodies.ts";
import { hostileRefusals } from "./hostile-refusals.ts";
import { type HostileWorld, type Post, postBytes } from "./hostile-world.ts";

/** A whole request as bytes, with its expected answer. None may leave a trace in the log. */
export type HostileRequest = {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly status: number;
  readonly code: string;
  readonly pointer?: string;
};

/** An entry of the lists: a POST to payments by the operator under a new key, unless given otherwise. */
export type Aim = (name: string, status: number, code: string, post: Partial<Post>) => HostileRequest;

/** Every hostile request of the command routes. */
export async function hostileRequests(world: HostileWorld): Promise<readonly HostileRequest[]> {
  const payment = { payer: world.payer, payee: world.payee, amount: "5", currency: "HKD" };
  const body = JSON.stringify(payment);
  const aim: Aim = (name, status, code, post) => ({
    name,
    status,
    code,
    bytes: postBytes({ path: "/v1/payments", token: world.tokens.operator, key: randomUUID(), body, ...post }),
  });
  return [
    ...routesOf(world).flatMap((path) => unreadableBodies.map((sent) => withBody(aim, sent, path))),
    ...hostilePayments(world).map((sent) => withBody(aim, sent, "/v1/payments")),
    ...headerFaults(aim, body),
    ...pathFaults(aim, world),
    ...(await tokenFaults(aim, world)),
    ...hostileRefusals(aim, world),
  ];
}

/** Every POST of the API, on existing objects. */
function routesOf({ payer, captured, authorized }: HostileWorld): readonly string[] {
  return [
    "/v1/accounts",
    `/v1/accounts/${payer}/freeze`,
    `/v1/accounts/${payer}/unfreeze`,
    `/v1/accounts/${payer}/close`,
    "/v1/transfers",
    "/v1/top-ups",
    "/v1/payouts",
    "/v1/payments",
    `/v1/payments/${authorized}/capture`,
    `/v1/payments/${authorized}/void`,
    `/v1/payments/${captured}/refunds`,
    "/v1/bulk",
  ];
}

function withBody(aim: Aim, { name, status, code, body, pointer }: HostileBody, path: string): HostileRequest {
  const request = aim(`${path}: ${name}`, status, code, { path, body });
  return pointer === undefined ? request : { ...request, pointer };
}

function headerFaults(aim: Aim, body: string): readonly HostileRequest[] {
  const type = (value: string) => [["Content-Type", value]] as const;
  return [
    aim("no key", 400, "idempotency_key_missing", { key: null }),
    aim("an empty key", 400, "idempotency_key_invalid", { key: "" }),
    aim("a key twice", 400, "idempotency_key_invalid", { headers: [["Idempotency-Key", "another"]] }),
    aim("a card number as a key", 400, "idempotency_key_invalid", { key: "4111111111111111" }),
    aim("a key of 256 characters", 400, "idempotency_key_invalid", { key: "k".repeat(256) }),
    aim("a key with a tab", 400, "idempotency_key_invalid", { key: "a\tb" }),
    aim("a key with a control character", 400, "bad_request", { key: "a\u0001b" }),
    aim("a key beyond ASCII", 400, "idempotency_key_invalid", { key: "caf\u00e9" }),
    aim("text/plain", 415, "unsupported_media_type", { headers: type("text/plain") }),
    aim("XML", 415, "unsupported_media_type", { headers: type("application/xml"), body: "<amount>5</amount>" }),
    aim("a form", 415, "unsupported_media_type", { headers: type("application/x-www-form-urlencoded") }),
    aim("JSON in UTF-16", 415, "unsupported_media_type", { headers: type("application/json; charset=utf-16") }),
    aim("gzip", 415, "unsupported_media_type", { headers: [["Content-Encoding", "gzip"]] }),
    aim("20 KB of headers", 431, "header_too_large", { headers: [["X-Long", "x".repeat(20_000)]] }),
    aim("two lengths", 400, "bad_request", {
      headers: [
        ["Content-Length", String(body.length)],
        ["Content-Length", "5"],
      ],
    }),
    aim("a length beside chunks", 400, "bad_request", {
      headers: [
        ["Content-Length", "5"],
        ["Transfer-Encoding", "chunked"],
      ],
    }),
    aim("a body over 64 KiB", 413, "body_too_large", { body: body.padEnd(64 * 1024 + 1) }),
    aim("a bulk over 4 MiB", 413, "body_too_large", { path: "/v1/bulk", body: body.padEnd(4 * 1024 * 1024 + 1) }),
    aim("an empty body", 400, "empty_body", { body: "" }),
  ];
}

function pathFaults(aim: Aim, world: HostileWorld): readonly HostileRequest[] {
  const on = (id: string) => ({ path: `/v1/payments/${id}/void`, body: "{}" });
  const injections = ["' OR 1=1--", "g.V().drop()", "\u0024{jndi:ldap://x}", "{}", "null", "\u202epay_1"];
  const absent = [world.captured.slice(0, -1), world.captured.toUpperCase(), world.payer, "pay_", "0"];
  const other = (method: string, path: string): HostileRequest => ({
    name: `${method} ${path}`,
    status: 405,
    code: "method_not_allowed",
    bytes: requestBytes({ method, path, headers: [["Authorization", `Bearer ${world.tokens.operator}`]] }),
  });
  return [
    aim("an id of %zz", 400, "malformed_path", on("%zz")),
    aim("an id of %00", 400, "malformed_path", on("%00")),
    aim("an id of ..%2f", 400, "malformed_path", on("..%2f..%2fadmin")),
    aim("an id of overlong UTF-8", 400, "malformed_path", on("%c0%ae")),
    aim("an id of 101 characters", 404, "payment_not_found", on("p".repeat(101))),
    aim("an id of 10,000 characters", 404, "payment_not_found", on("p".repeat(10_000))),
    ...injections.map((id) => aim(`an id of ${id}`, 404, "payment_not_found", on(encodeURIComponent(id)))),
    ...absent.map((id) => aim(`an id of ${id}`, 404, "payment_not_found", on(id))),
    aim("an account's id of another kind", 404, "account_not_found", {
      path: `/v1/accounts/${world.captured}/freeze`,
      body: '{"reason":"r"}',
    }),
    aim("an unknown route", 404, "route_not_found", { path: "/v1/admin" }),
    aim("an unknown query parameter", 400, "invalid_query", { path: "/v1/payments?dry_run=true" }),
    aim("a query parameter twice", 400, "invalid_query", { path: "/v1/payments?dryRun=true&dryRun=true" }),
    aim("dryRun that is neither", 400, "invalid_query", { path: "/v1/payments?dryRun=1" }),
    other("PUT", "/v1/bulk"),
    other("DELETE", `/v1/payments/${world.captured}/void`),
  ];
}

async function tokenFaults(aim: Aim, world: HostileWorld): Promise<readonly HostileRequest[]> {
  const tokens = await hostileTokens(world.keys);
  return [
    ...tokens.map(({ name, token }) => aim(`token: ${name}`, 401, "unauthorized", { token })),
    aim("no token", 401, "unauthorized", { token: null }),
    aim("two tokens", 400, "invalid_header", { headers: [["Authorization", `Bearer ${world.tokens.operator}`]] }),
    aim("a platform token", 403, "forbidden", {
      token: await signToken({ tenant: "t", role: "platform", sub: "p", ttlSeconds: 60 }, world.keys),
    }),
    aim("another scheme", 401, "unauthorized", { token: null, headers: [["Authorization", "Basic b2xnYTpvbGdh"]] }),
    ...routesOf(world).map((path) =>
      aim(`${path} by an auditor`, 403, "forbidden", { path, token: world.tokens.auditor }),
    ),
    aim("a freeze by a consumer", 403, "forbidden", {
      path: `/v1/accounts/${world.payee}/freeze`,
      token: world.tokens.owner,
    }),
  ];
}

import type { FastifyInstance, InjectOptions } from "fastify";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LedgerError, type LedgerErrorCode } from "../domain/errors.ts";
import { requestBytes, sendRaw } from "../testing/raw-http.ts";
import { callerOf } from "./auth.ts";
import { createEdge } from "./edge.ts";
import { amount } from "./field-schemas.ts";
import { BODY_BYTES_MAX } from "./limits.ts";
import { authenticator, createSigningKeys, type SigningKeys, signToken } from "./tokens.ts";

const logged: string[] = [];
let app: FastifyInstance;
let authorization: string;
let keys: SigningKeys;
let port: number;

const fields = { type: "object", properties: { amount }, additionalProperties: false };
const query = { type: "object", properties: { limit: { type: "string" } }, additionalProperties: false };

beforeAll(async () => {
  keys = await createSigningKeys();
  authorization = `Bearer ${await signToken({ tenant: "t", role: "merchant", sub: "m", ttlSeconds: 60 }, keys)}`;
  app = await createEdge({
    logger: pino({}, { write: (line: string) => void logged.push(line) }),
    authenticate: authenticator([keys.publicKey]),
  });
  app.get("/me", (request) => callerOf(request));
  app.get("/officers", { config: { roles: ["operator"] } }, () => ({}));
  app.get("/things/:id", { schema: { querystring: query } }, (request) => ({
    params: request.params,
    query: request.query,
  }));
  app.post("/things", { schema: { body: fields } }, (request) => ({ body: request.body }));
  app.post("/things/:id/end", { config: { bodyOptional: true }, schema: { body: fields } }, ({ body }) => ({ body }));
  app.get<{ Params: { code: LedgerErrorCode } }>("/faults/:code", ({ params }) => {
    const position = { shard: 3, revision: 14 };
    throw new LedgerError(params.code, "/srv/ledger/models.sqlite on db-7 said no to SELECT 1", { position });
  });
  app.get("/bug", () => {
    throw new Error("secret of the house");
  });
  port = Number(new URL(await app.listen({ host: "127.0.0.1", port: 0 })).port);
});
afterAll(() => app.close());

async function ask(request: InjectOptions & { readonly anonymous?: boolean }) {
  const { anonymous, ...rest } = request;
  const headers = anonymous ? rest.headers : { authorization, ...rest.headers };
  const answer = await app.inject({ ...rest, headers: headers ?? {} });
  return { status: answer.statusCode, headers: answer.headers, json: answer.json() };
}

const json = { "content-type": "application/json" };

test("a problem is RFC 9457, names its code and its request, and nothing more", async () => {
  const { status, headers, json } = await ask({ url: "/nowhere" });
  expect(status).toBe(404);
  expect(headers["content-type"]).toBe("application/problem+json");
  expect(json).toEqual({
    type: "/problems/route_not_found",
    title: "Route not found",
    status: 404,
    code: "route_not_found",
    detail: "Nothing is served at this path.",
    instance: expect.stringMatching(/^urn:payledger:req:[0-9a-f]{12}-[0-9a-z]+$/),
  });
});

describe("paths", () => {
  test.each([
    ["/things/%zz", 400, "malformed_path"],
    ["/things/%c0%af", 400, "malformed_path"],
    ["/things/%00", 400, "malformed_path"],
    ["/things/a%0d%0ab", 400, "malformed_path"],
    ["/things/..%2f..%2fetc", 400, "malformed_path"],
    ["/things/%2e%2e%5cetc", 400, "malformed_path"],
    ["/Things/1", 404, "route_not_found"],
    ["/things/1/", 404, "route_not_found"],
    ["//things/1", 404, "route_not_found"],
  ])("%s is answered %i %s", async (url, status, code) => {
    expect(await ask({ url })).toMatchObject({ status, json: { status, code } });
  });

  test("an id may hold any readable text", async () => {
    const { json } = await ask({ url: `/things/${encodeURIComponent("' OR 1=1-- {x}/é")}` });
    expect(json.params).toEqual({ id: "' OR 1=1-- {x}/é" });
  });

  test("a known path with another method names those it has, without a token too", async () => {
    const answer = await ask({ url: "/things/1", method: "DELETE", anonymous: true });
    expect(answer).toMatchObject({ status: 405, json: { code: "method_not_allowed" } });
    expect(answer.headers.allow).toBe("GET, HEAD");
    expect((await ask({ url: "/things/1/end?x=1", method: "PUT" })).headers.allow).toBe("POST");
  });

  test("an unknown path is that before its body is looked at", async () => {
    const answer = await ask({
      url: "/nowhere",
      method: "POST",
      payload: "<x/>",
      headers: { "content-type": "text/xml" },
    });
    expect(answer).toMatchObject({ status: 404, json: { code: "route_not_found" } });
  });
});

describe("queries", () => {
  test.each([
    "/things/1?limit=1&limit=2",
    "/things/1?limit=1&li%6dit=2",
    "/things/1?limit=%zz",
    "/things/1?limit=%00",
    "/things/1?=1",
    "/things/1?unknown=1",
    "/things/1?limit[]=1",
    "/things/1?__proto__=1",
  ])("%s is answered 400", async (url) => {
    expect(await ask({ url })).toMatchObject({ status: 400, json: { code: "invalid_query" } });
  });

  test("are read as text, plus as space", async () => {
    expect((await ask({ url: "/things/1?limit=a+b%2B" })).json.query).toEqual({ limit: "a b+" });
  });
});

describe("bodies", () => {
  const post = (payload: string | Buffer | undefined, headers: Record<string, string> = json, url = "/things") =>
    ask({ url, method: "POST", headers, ...(payload === undefined ? {} : { payload }) });

  test.each([
    ["text/plain"],
    ["application/xml"],
    ["application/json; charset=utf-16"],
    ["application/json; charset=latin1"],
    ["application/json; profile=x"],
    ["application/jsonp"],
    ["application/merge-patch+json"],
    ["multipart/form-data; boundary=x"],
    ["nonsense"],
  ])("of %s are not read", async (type) => {
    const answer = await post("{}", { "content-type": type });
    expect(answer).toMatchObject({ status: 415, json: { code: "unsupported_media_type" } });
  });

  test.each([
    ["application/json"],
    ["application/json; charset=utf-8"],
    ["Application/JSON;charset=UTF-8"],
    ['application/json; charset="utf-8"'],
  ])("of %s are read", async (type) => {
    expect(await post("{}", { "content-type": type })).toMatchObject({ status: 200, json: { body: {} } });
  });

  test("without a type are not read", async () => {
    expect(await post("{}", { "content-type": "" })).toMatchObject({ status: 415 });
    const answer = await app.inject({
      url: "/things",
      method: "POST",
      headers: { authorization, "content-length": "2" },
    });
    expect(answer.statusCode).toBe(415);
  });

  test("with an encoding are not read", async () => {
    const answer = await post("{}", { ...json, "content-encoding": "gzip" });
    expect(answer).toMatchObject({ status: 415, json: { code: "unsupported_media_type" } });
  });

  test("are bounded", async () => {
    const fits = JSON.stringify({ amount: "1" }).padEnd(BODY_BYTES_MAX);
    expect(await post(fits)).toMatchObject({ status: 200 });
    expect(await post(`${fits} `)).toMatchObject({ status: 413, json: { code: "body_too_large" } });
  });

  test("must be there, unless the route can do without", async () => {
    expect(await post(undefined, {})).toMatchObject({ status: 400, json: { code: "empty_body" } });
    expect(await post("")).toMatchObject({ status: 400, json: { code: "empty_body" } });
    for (const headers of [{}, json])
      expect(await post(undefined, headers, "/things/1/end")).toMatchObject({ status: 200, json: { body: {} } });
    for (const type of ["application/x-www-form-urlencoded", "text/plain;charset=UTF-8"])
      expect(await post("", { "content-type": type }, "/things/1/end")).toMatchObject({ status: 200 });
    expect(await post("[]", json, "/things/1/end")).toMatchObject({ status: 400, json: { code: "not_an_object" } });
  });

  test.each([
    ["no type", []],
    ["a type", [["Content-Type", "application/json"]]],
    ["another type", [["Content-Type", "text/plain"]]],
  ] as const)("of zero bytes in chunks, with %s, are no body", async (_name, type) => {
    const head = [["Authorization", authorization], ["Transfer-Encoding", "chunked"], ...type] as const;
    const end = (body: string) =>
      sendRaw(port, requestBytes({ method: "POST", path: "/things/1/end", headers: head, body }));
    expect(await end("0\r\n\r\n")).toMatchObject({ status: 200, body: '{"body":{}}' });
    const answer = await end("1\r\nx\r\n0\r\n\r\n");
    expect(answer?.status).toBe(type[0]?.[1] === "application/json" ? 400 : 415);
    expect(answer?.headers.get("content-type")).toBe("application/problem+json");
  });

  test("that do not fit are reported fault by fault", async () => {
    const answer = await post('{"amount":12,"a/b~":1}');
    expect(answer).toMatchObject({ status: 422, json: { code: "invalid_request" } });
    expect(answer.json.errors).toEqual([
      { pointer: "/a~1b~0", detail: "is not a known field" },
      { pointer: "/amount", detail: "must be string" },
    ]);
  });

  test("whose only fault is an amount say so", async () => {
    const answer = await post('{"amount":12}');
    expect(answer).toMatchObject({ status: 422, json: { code: "amount_invalid", errors: [{ pointer: "/amount" }] } });
  });
});

describe("callers", () => {
  test("are who their token says", async () => {
    expect((await ask({ url: "/me" })).json).toEqual({ tenant: "t", role: "merchant", sub: "m" });
  });

  test.each([[undefined], ["Bearer"], ["Basic bTpt"], ["Bearer a b"], ["Bearer eyJ.x.y"]])(
    "with %j are challenged",
    async (header) => {
      const answer = await ask({
        url: "/me",
        anonymous: true,
        headers: header === undefined ? {} : { authorization: header },
      });
      expect(answer).toMatchObject({ status: 401, json: { code: "unauthorized" } });
      expect(answer.headers["www-authenticate"]).toBe("Bearer");
    },
  );

  test("with two Authorization headers are not believed, whichever would be good", async () => {
    for (const second of [authorization, "Bearer eyJ.x.y"]) {
      const bytes = requestBytes({
        method: "GET",
        path: "/me",
        headers: [
          ["Authorization", authorization],
          ["authorization", second],
        ],
      });
      const answer = await sendRaw(port, bytes);
      expect(answer?.status).toBe(400);
      expect(JSON.parse(answer?.body ?? "")).toMatchObject({ code: "invalid_header" });
    }
  });

  test("of the platform role have no part in any route that does not name it", async () => {
    const platform = await signToken({ tenant: "t", role: "platform", sub: "m", ttlSeconds: 60 }, keys);
    const headers = { authorization: `Bearer ${platform}` };
    for (const url of ["/me", "/things/1", "/officers"])
      expect(await ask({ url, headers })).toMatchObject({ status: 403, json: { code: "forbidden" } });
  });

  test("in another role are refused", async () => {
    expect(await ask({ url: "/officers" })).toMatchObject({ status: 403, json: { code: "forbidden" } });
  });
});

describe("an internal error", () => {
  test.each(["overloaded", "not_ready", "log_unavailable", "store_unavailable", "position_not_reached"])(
    "%s is a 503 to be tried again",
    async (code) => {
      const answer = await ask({ url: `/faults/${code}` });
      expect(answer).toMatchObject({ status: 503, json: { code } });
      expect(answer.headers["retry-after"]).toBe("1");
      expect(JSON.stringify(answer.json)).not.toMatch(/srv|sqlite|db-7|SELECT/);
    },
  );

  test.each(["log_unavailable", "store_unavailable"])("%s is logged with its cause", async (code) => {
    logged.length = 0;
    const { json } = await ask({ url: `/faults/${code}` });
    expect(logged.join("")).toContain("/srv/ledger/models.sqlite");
    expect(logged.join("")).toContain(json.instance.replace("urn:payledger:req:", ""));
  });

  test("a line about it has the request, the code and the position", async () => {
    logged.length = 0;
    const { json } = await ask({ url: "/faults/log_corrupt" });
    const [line = ""] = logged;
    const request = json.instance.replace("urn:payledger:req:", "");
    expect(JSON.parse(line)).toMatchObject({ request, code: "log_corrupt", position: "3:14", route: "/faults/:code" });
  });

  test.each([
    ["/bug", "secret of the house"],
    ["/faults/log_corrupt", "db-7 said no"],
  ])("%s is logged and not told", async (url, secret) => {
    logged.length = 0;
    const { status, json } = await ask({ url });
    expect(status).toBe(500);
    expect(json.code).toBe("internal_error");
    expect(JSON.stringify(json)).not.toContain(secret);
    expect(logged.join("")).toContain(secret);
    expect(logged.join("")).toContain(json.instance.replace("urn:payledger:req:", ""));
  });
});

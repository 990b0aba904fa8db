import { connect } from "node:net";
import { text } from "node:stream/consumers";
import type { FastifyInstance } from "fastify";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { requestBytes, sendRaw } from "../testing/raw-http.ts";
import { createEdge } from "./edge.ts";
import { idempotencyKey } from "./idempotency-key.ts";

let app: FastifyInstance;
let port: number;

beforeAll(async () => {
  app = await createEdge({
    logger: pino({ level: "silent" }),
    authenticate: () => ({ tenant: "t", role: "operator", sub: "o" }),
    limits: { requestTimeoutMs: 200 },
  });
  app.post("/things", { config: { open: true } }, (request) => ({ key: idempotencyKey(request) }));
  port = Number(new URL(await app.listen({ host: "127.0.0.1", port: 0 })).port);
});
afterAll(() => app.close());

const json = ["Content-Type", "application/json"] as const;

function post(headers: readonly (readonly [string, string])[], body = "{}") {
  return sendRaw(port, requestBytes({ method: "POST", path: "/things", headers: [json, ...headers], body }));
}

test.each([
  ["headers over 16 KiB", [["X-Long", "x".repeat(20_000)]], 431, "header_too_large"],
  ["no idempotency key", [], 400, "idempotency_key_missing"],
  ["an empty key", [["Idempotency-Key", ""]], 400, "idempotency_key_invalid"],
  [
    "a key twice",
    [
      ["Idempotency-Key", "a"],
      ["idempotency-KEY", "a"],
    ],
    400,
    "idempotency_key_invalid",
  ],
  ["a key of 256 characters", [["Idempotency-Key", "k".repeat(256)]], 400, "idempotency_key_invalid"],
  ["a key with a tab", [["Idempotency-Key", "a\tb"]], 400, "idempotency_key_invalid"],
  ["a card number as key", [["Idempotency-Key", "4111111111111111"]], 400, "idempotency_key_invalid"],
  ["a card number in a key", [["Idempotency-Key", "order-4111 1111_1111.1111"]], 400, "idempotency_key_invalid"],
  ["a key beyond ASCII", [["Idempotency-Key", "\u00e9"]], 400, "idempotency_key_invalid"],
  ["a control character in a header", [["Idempotency-Key", "a\u0001b"]], 400, "bad_request"],
  [
    "two lengths",
    [
      ["Content-Length", "2"],
      ["Content-Length", "3"],
    ],
    400,
    "bad_request",
  ],
  [
    "a length and chunks",
    [
      ["Content-Length", "2"],
      ["Transfer-Encoding", "chunked"],
    ],
    400,
    "bad_request",
  ],
] as const)("%s", async (_name, headers, status, code) => {
  const answer = await post(headers);
  expect(answer?.status).toBe(status);
  expect(answer?.headers.get("content-type")).toBe("application/problem+json");
  expect(JSON.parse(answer?.body ?? "")).toMatchObject({ status, code, type: `/problems/${code}` });
  expect(answer?.body).not.toContain("1111");
});

test("a key of 255 printable characters is taken", async () => {
  const key = `! ~${"k".repeat(252)}`;
  expect(JSON.parse((await post([["Idempotency-Key", key]]))?.body ?? "")).toEqual({ key });
});

test("bytes that are not HTTP are answered with bad_request", async () => {
  const answer = await sendRaw(port, Buffer.from("EHLO localhost\r\n\r\n"));
  expect(answer?.status).toBe(400);
  expect(JSON.parse(answer?.body ?? "")).toMatchObject({ code: "bad_request" });
});

test("a request without a host is answered with bad_request", async () => {
  const answer = await sendRaw(port, Buffer.from("GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n"));
  expect(answer?.status).toBe(400);
  expect(JSON.parse(answer?.body ?? "")).toMatchObject({ code: "bad_request" });
});

test.each([
  [
    "a body that never ends",
    "POST /things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" +
      "Idempotency-Key: k\r\nContent-Length: 9\r\n\r\n{",
  ],
  ["headers that never end", "POST /things HTTP/1.1\r\nHost: x\r\n"],
])("%s is cut off with 408", async (_name, start) => {
  const socket = connect(port, "127.0.0.1");
  socket.write(start);
  const answer = await text(socket);
  expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  expect(answer).toContain('"code":"request_timeout"');
});

test("a body cut off by its sender does no harm", async () => {
  const socket = connect(port, "127.0.0.1");
  const head = "POST /things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{";
  await new Promise<void>((resolve) => socket.write(head, () => resolve()));
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.destroy();
  await closed;
  expect((await sendRaw(port, requestBytes({ method: "GET", path: "/livez" })))?.status).toBe(200);
});

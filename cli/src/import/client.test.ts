import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { afterEach, expect, test } from "vitest";
import { createClient, type LedgerClient } from "./client.ts";

type Step = (request: IncomingMessage, response: ServerResponse) => void;
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A server that answers each request with the next step, and from then on with the last. */
async function serve(...steps: [Step, ...Step[]]) {
  const keys: unknown[] = [];
  const server = createServer((request, response) => {
    const step = steps[Math.min(keys.length, steps.length - 1)] ?? steps[0];
    keys.push(request.headers["idempotency-key"]);
    request.resume().on("end", () => step(request, response));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(
    () => server.closeAllConnections(),
    () => void server.close(),
  );
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return { url: `http://127.0.0.1:${port}`, keys };
}

function client(url: string, patienceMs: number): { client: LedgerClient; waits: string[] } {
  const waits: string[] = [];
  return { client: createClient({ url, token: "t", patienceMs, onWait: (reason) => waits.push(reason) }), waits };
}

function answer(status: number, body: unknown, headers: Record<string, string> = {}): Step {
  return (_request, response) => response.writeHead(status, headers).end(JSON.stringify(body));
}

const created = answer(201, { id: "x" }, { "ledger-position": "0:7", "idempotency-replayed": "true" });

test("a request that is refused for now, cut off, or still in progress is resent under the same key", async () => {
  const { url, keys } = await serve(
    answer(503, { code: "not_ready" }),
    answer(429, { code: "overloaded" }),
    answer(409, { code: "idempotency_key_in_progress" }),
    (request) => request.socket.destroy(),
    created,
  );
  const on = client(url, 30_000);
  const reply = await on.client.post("/v1/bulk", "key-1", {});
  expect(reply).toEqual({ status: 201, body: { id: "x" }, position: { shard: 0, revision: 7 }, replayed: true });
  expect(keys).toEqual(["key-1", "key-1", "key-1", "key-1", "key-1"]);
  expect(on.waits).toHaveLength(1);
});

test("waits as long as the server asks, and gives up if that exceeds its patience", async () => {
  const { url, keys } = await serve(answer(503, { code: "not_ready" }, { "retry-after": "30" }));
  await expect(client(url, 1000).client.get("/v1/accounts")).rejects.toMatchObject({
    code: "store_unavailable",
    message: expect.stringContaining("answers 503 not_ready"),
  });
  expect(keys).toHaveLength(1);
});

test("an unreachable server is named when the time limit is reached", async () => {
  await expect(client("http://127.0.0.1:9", 10).client.get("/v1/accounts")).rejects.toMatchObject({
    code: "store_unavailable",
    message: expect.stringMatching(/no answer from http:\/\/127\.0\.0\.1:9/),
  });
});

test.each([
  [401, "unauthorized"],
  [403, "forbidden"],
  [409, "payment_expired"],
  [422, "idempotency_key_reused"],
])("a refusal (%i %s) is final", async (status, code) => {
  const { url, keys } = await serve(answer(status, { code, detail: "no" }));
  await expect(client(url, 30_000).client.post("/v1/bulk", "k", {})).rejects.toMatchObject({ status, code });
  expect(keys).toHaveLength(1);
});

test("a server that is not a ledger is reported as such", async () => {
  const { url } = await serve((_request, response) => response.end("<html>"));
  await expect(client(url, 30_000).client.get("/v1/accounts")).rejects.toThrow(/answers no JSON/);
});

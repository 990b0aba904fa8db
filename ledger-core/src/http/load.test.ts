import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import type { FastifyInstance } from "fastify";
import { pino } from "pino";
import { afterEach, describe, expect, test } from "vitest";
import { createEdge } from "./edge.ts";
import type { EdgeLimits } from "./limits.ts";
import { BULK_BODY_BYTES_MAX } from "./limits.ts";
import { createMetrics, type Metrics } from "./metrics.ts";

const KIB = 1024;
let app: FastifyInstance;
let metrics: Metrics;
const sockets: Socket[] = [];

/**
 * An edge whose caller is named by the token, with routes for bodies, a large answer, and an answer held until
 * released.
 */
async function serve(limits: Partial<EdgeLimits> = {}) {
  metrics = createMetrics();
  app = await createEdge({
    logger: pino({ level: "silent" }),
    authenticate: (token) => ({ tenant: "t", role: "consumer", sub: token }),
    metrics,
    limits,
  });
  const letGo = Promise.withResolvers<void>();
  app.post("/bodies", { bodyLimit: BULK_BODY_BYTES_MAX }, ({ body }) => ({ keys: Object.keys(Object(body)).length }));
  app.get("/slow", async () => {
    await letGo.promise;
    return { done: true };
  });
  app.get("/large", () => ({ text: "x".repeat(32 * KIB * KIB) }));
  const port = Number(new URL(await app.listen({ host: "127.0.0.1", port: 0 })).port);
  return { port, letGo: letGo.resolve };
}
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await app.close();
});

async function open(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  sockets.push(socket);
  socket.on("error", () => socket.destroy());
  await once(socket, "connect");
  return socket;
}

/** The next answer on a connection. */
async function answerOn(socket: Socket): Promise<string> {
  const [chunk] = await once(socket, "data");
  return String(chunk);
}

const head = (line: string, who: string, more = "") =>
  `${line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${who}\r\n${more}\r\n`;
const post = (who: string, length: number, more = "") =>
  head("POST /bodies", who, `Content-Type: application/json\r\nContent-Length: ${length}\r\n${more}`);

describe("connections", () => {
  test("beyond the bound get a clear 503 and are closed; the others are served on", async () => {
    const { port } = await serve({ connectionsMax: 3 });
    const taken = [await open(port), await open(port), await open(port)];
    const refused = await text(await open(port));
    expect(refused).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
    expect(refused).toContain("Content-Type: application/problem+json\r\n");
    expect(refused).toContain("Retry-After: 1\r\n");
    expect(refused).toContain("Connection: close\r\n");
    expect(refused).toContain('"code":"overloaded"');
    for (const socket of taken) {
      socket.write(head("GET /livez", "a"));
      expect(await answerOn(socket)).toMatch(/^HTTP\/1\.1 200 /);
    }
    taken[0]?.destroy();
    await expect.poll(async () => (await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(200);
  });

  test("that are refused while they send get their answer all the same", async () => {
    const { port } = await serve({ connectionsMax: 1 });
    await open(port);
    const socket = await open(port);
    socket.write(post("a", 1_000_000));
    socket.write(Buffer.alloc(1_000_000, 0x20));
    expect(await text(socket)).toContain('"code":"overloaded"');
  });

  test("that are refused and do not let go are bounded too", async () => {
    const { port } = await serve({ connectionsMax: 1, refusalsMax: 0 });
    await open(port);
    const socket = connect(port, "127.0.0.1");
    let answer = "";
    socket.on("data", (chunk) => {
      answer += String(chunk);
    });
    socket.on("error", () => socket.destroy());
    await new Promise((closed) => socket.once("close", closed));
    expect(answer).toBe("");
  });
});

describe("answers", () => {
  test("that are not read end their connection; one that waits for its answer stays", async () => {
    const { port, letGo } = await serve({ unreadMs: 100 });
    const waiting = await open(port);
    waiting.write(head("GET /slow", "a"));
    await expect.poll(() => metric("http_requests_under_way")).toBe(1);
    const unread = await open(port);
    unread.pause().write(head("GET /large", "b"));
    await expect.poll(() => metric("http_requests_under_way")).toBe(2);
    await expect.poll(() => metric("http_connections_open"), { timeout: 10_000 }).toBe(1);
    letGo();
    expect(await answerOn(waiting)).toMatch(/^HTTP\/1\.1 200 /);
    await expect.poll(() => metric("http_requests_under_way")).toBe(0);
  });
});

describe("bodies", () => {
  test("are admitted by their announced length before a byte of them is read: 429 for that caller only", async () => {
    const { port } = await serve({ callerBodyBytesMax: 100 * KIB });
    const slow = await open(port);
    slow.write(post("greedy", 90 * KIB));
    slow.write("{");
    const second = await open(port);
    await expect.poll(() => metric("http_body_bytes_under_way")).toBe(90 * KIB);
    second.write(post("greedy", 20 * KIB));
    const refused = await answerOn(second);
    expect(refused).toMatch(/^HTTP\/1\.1 429 Too Many Requests\r\n/);
    expect(refused.toLowerCase()).toContain("retry-after: 1\r\n");
    expect(refused).toContain('"code":"too_many_requests"');
    const other = await open(port);
    other.write(`${post("modest", 20 * KIB)}${"{}".padEnd(20 * KIB)}`);
    expect(await answerOn(other)).toMatch(/^HTTP\/1\.1 200 /);
    slow.destroy();
    await expect.poll(() => metric("http_body_bytes_under_way")).toBe(0);
  });

  test("of all callers together have a bound: 503, and single commands keep a part of it", async () => {
    const { port } = await serve({ bodyBytesMax: 400 * KIB });
    for (const who of ["a", "b"]) (await open(port)).write(`${post(who, 150 * KIB)}{`);
    await expect.poll(() => metric("http_body_bytes_under_way")).toBe(300 * KIB);
    const bulk = await open(port);
    bulk.write(post("c", 70 * KIB));
    const refused = await answerOn(bulk);
    expect(refused).toMatch(/^HTTP\/1\.1 503 /);
    expect(refused).toContain('"code":"overloaded"');
    const single = await open(port);
    single.write(`${post("c", 2)}{}`);
    expect(await answerOn(single)).toMatch(/^HTTP\/1\.1 200 /);
  });

  test("without a length count as the most that their route takes", async () => {
    const { port } = await serve();
    const socket = await open(port);
    const chunked = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n";
    socket.write(`${head("POST /bodies", "a", chunked)}1\r\n{\r\n`);
    await expect.poll(() => metric("http_body_bytes_under_way")).toBe(BULK_BODY_BYTES_MAX);
    socket.write("1\r\n}\r\n0\r\n\r\n");
    expect(await answerOn(socket)).toMatch(/^HTTP\/1\.1 200 /);
    await expect.poll(() => metric("http_body_bytes_under_way")).toBe(0);
  });

  test("in many small pieces are read like any other", async () => {
    const { port } = await serve();
    const socket = await open(port);
    socket.setNoDelay(true);
    const body = JSON.stringify(Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`k${n}`, n])));
    socket.write(post("a", body.length));
    for (let at = 0; at < body.length; at += 7)
      await new Promise<void>((sent) => socket.write(body.slice(at, at + 7), () => sent()));
    expect(await answerOn(socket)).toContain('{"keys":300}');
  });
});

describe("requests", () => {
  test("of one caller have a bound, pipelined ones too: 429 for that caller only", async () => {
    const { port, letGo } = await serve({ callerRequestsMax: 2 });
    const socket = await open(port);
    socket.write(head("GET /slow", "greedy").repeat(5));
    await expect.poll(() => metric("http_requests_under_way")).toBe(2);
    const other = await open(port);
    other.write(head("GET /nowhere", "modest"));
    expect(await answerOn(other)).toMatch(/^HTTP\/1\.1 404 /);
    other.write(head("GET /slow", "modest"));
    await expect.poll(() => metric("http_requests_under_way")).toBe(3);
    let answers = "";
    socket.on("data", (chunk) => {
      answers += String(chunk);
    });
    letGo();
    const statuses = () => [...answers.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => status);
    await expect.poll(statuses).toEqual(["200", "200", "429", "429", "429"]);
    await expect.poll(() => metric("http_requests_under_way")).toBe(0);
  });

  test("whose clients have gone count until they are answered", async () => {
    const { port, letGo } = await serve({ callerRequestsMax: 1 });
    const gone = await open(port);
    gone.write(head("GET /slow", "a"));
    await expect.poll(() => metric("http_requests_under_way")).toBe(1);
    gone.resetAndDestroy();
    await expect.poll(() => metric("http_connections_open")).toBe(0);
    const again = await open(port);
    again.write(head("GET /slow", "a"));
    expect(await answerOn(again)).toMatch(/^HTTP\/1\.1 429 /);
    letGo();
    await expect.poll(() => metric("http_requests_under_way")).toBe(0);
  });

  test("are let go however they end", async () => {
    const { port } = await serve();
    const bad = `${post("a", 2)}[]`;
    const broken = await open(port);
    broken.write(bad);
    expect(await answerOn(broken)).toMatch(/^HTTP\/1\.1 400 /);
    const cut = await open(port);
    cut.write(`${post("a", 5)}{`);
    await expect.poll(() => metric("http_requests_under_way")).toBe(1);
    cut.resetAndDestroy();
    await expect.poll(() => metric("http_requests_under_way")).toBe(0);
    await app.inject({ url: "/slow", method: "POST", headers: { authorization: "Bearer a" } });
    await app.inject({ url: "/bodies", method: "POST", payload: {}, headers: { authorization: "Bearer a" } });
    await expect.poll(() => metric("http_requests_under_way")).toBe(0);
  });

  test("that only ask whether it lives are never refused", async () => {
    const { port } = await serve({ anonymousRequestsMax: 0 });
    for (const path of ["/livez", "/readyz"]) expect((await fetch(`http://127.0.0.1:${port}${path}`)).status).toBe(200);
  });
});

describe("Expect: 100-continue", () => {
  const expecting = "Expect: 100-continue\r\n";

  test("is answered once headers, token and length have passed", async () => {
    const { port } = await serve();
    const socket = await open(port);
    socket.write(post("a", 2, expecting));
    expect(await answerOn(socket)).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    socket.write("{}");
    expect(await answerOn(socket)).toMatch(/^HTTP\/1\.1 200 /);
  });

  test.each([
    ["no token", `POST /bodies HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n${expecting}\r\n`, 401],
    ["a body too large", post("a", BULK_BODY_BYTES_MAX + 1, expecting), 413],
    ["another type", head("POST /bodies", "a", `Content-Type: text/xml\r\nContent-Length: 2\r\n${expecting}`), 415],
    ["an unknown route", head("POST /nowhere", "a", `Content-Length: 2\r\n${expecting}`), 404],
    ["another expectation", post("a", 2, "Expect: miracles\r\n"), 400],
  ])("is not for %s: the refusal comes at once and the connection ends", async (_name, bytes, status) => {
    const { port } = await serve();
    const socket = await open(port);
    socket.write(bytes);
    const answer = status === 400 ? await answerOn(socket) : await text(socket);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).toContain("application/problem+json");
  });
});

test("a caller is known, and a length refused, before a byte of the body comes", async () => {
  const { port } = await serve();
  for (const [bytes, status] of [
    ["POST /bodies HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n", 401],
    [post("a", BULK_BODY_BYTES_MAX + 1), 413],
  ] as const) {
    const socket = await open(port);
    socket.write(bytes);
    expect(await answerOn(socket)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  }
});

/** A gauge's value. */
async function metric(name: string): Promise<number> {
  return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(await metrics.registry.metrics())?.[1] ?? Number.NaN);
}

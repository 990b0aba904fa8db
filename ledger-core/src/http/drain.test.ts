import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import type { FastifyInstance } from "fastify";
import { pino } from "pino";
import { afterEach, describe, expect, test } from "vitest";
import { createEdge } from "./edge.ts";
import type { EdgeLimits } from "./limits.ts";

let app: FastifyInstance;
const sockets: Socket[] = [];

async function serve(limits: Partial<EdgeLimits> = {}) {
  app = await createEdge({
    logger: pino({ level: "silent" }),
    authenticate: () => ({ tenant: "t", role: "operator", sub: "o" }),
    limits: { settleMs: 20, halfSentMs: 400, ...limits },
  });
  const letGo = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  app.post("/bodies", ({ body }) => body);
  app.get("/slow", async () => {
    started.resolve();
    await letGo.promise;
    return { done: true };
  });
  const origin = await app.listen({ host: "127.0.0.1", port: 0 });
  return { port: Number(new URL(origin).port), origin, letGo: letGo.resolve, started: started.promise };
}
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await app.close();
});

async function open(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  sockets.push(socket);
  await once(socket, "connect");
  return socket;
}

/** Everything a connection answers until it ends, with the statuses in it. */
async function answersOn(socket: Socket): Promise<{ statuses: string[]; bytes: string }> {
  const bytes = await text(socket).catch(() => "reset");
  return { bytes, statuses: Array.from(bytes.matchAll(/HTTP\/1\.1 (\d+) /g), ([, status = ""]) => status) };
}

const slow = "GET /slow HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer e\r\n\r\n";
const post = (body: string, length = body.length) =>
  "POST /bodies HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer e\r\nContent-Type: application/json\r\n" +
  `Content-Length: ${length}\r\n\r\n${body}`;

describe("when the service stops", () => {
  test.each([
    ["sent nothing", ""],
    ["sent half a header", "POST /bodies HTTP/1.1\r\nHost: x\r\nAuth"],
    ["sent half a body", post('{"a":', 9)],
    [
      "sent a chunk and not the last",
      post("").replace("Content-Length: 0", "Transfer-Encoding: chunked").concat("1\r\n{\r\n"),
    ],
  ])("a connection that %s is closed without waiting for it", async (_name, bytes) => {
    const { port } = await serve();
    const socket = await open(port);
    socket.write(bytes);
    const answers = answersOn(socket);
    await app.drain();
    expect((await answers).statuses).toEqual([]);
  });

  test("an idle connection that was answered before is closed", async () => {
    const { port } = await serve();
    const socket = await open(port);
    socket.write(post("{}"));
    await once(socket, "data");
    const answers = answersOn(socket);
    await app.drain();
    expect((await answers).statuses).toEqual([]);
  });

  test("whole requests that are only in the kernel's buffer are answered, pipelined ones too", async () => {
    const { port } = await serve();
    const open3 = await Promise.all([open(port), open(port), open(port)]);
    const answers = open3.map(answersOn);
    for (const socket of open3) socket.write(post('{"a":1}').repeat(4));
    // Nothing of what was written has been read: this turn of the event loop has not ended.
    await app.drain();
    for (const { statuses } of await Promise.all(answers)) expect(statuses).toEqual(["200", "200", "200", "200"]);
  });

  test("a connection that waits to be accepted is served", async () => {
    const { port } = await serve();
    const socket = connect(port, "127.0.0.1");
    sockets.push(socket);
    socket.write(post("{}"));
    const answers = answersOn(socket);
    const block = performance.now() + 50;
    while (performance.now() < block);
    await app.drain();
    expect((await answers).statuses).toEqual(["200"]);
  });

  test("a request under way is answered, however long it takes, and whole ones behind it", async () => {
    const { port, letGo, started } = await serve({ waitsMs: 5_000 });
    const socket = await open(port);
    socket.write(slow + post("{}") + slow);
    await started;
    const answers = answersOn(socket);
    const drained = app.drain();
    await expect.poll(() => app.server.listening).toBe(false);
    letGo();
    await drained;
    expect((await answers).statuses).toEqual(["200", "200", "200"]);
  });

  test("complete requests before an incomplete one on the same connection are answered", async () => {
    const { port, letGo, started } = await serve({ waitsMs: 5_000 });
    const socket = await open(port);
    socket.write(slow + post('{"a":', 9));
    await started;
    const answers = answersOn(socket);
    const drained = app.drain();
    await expect.poll(() => app.server.listening).toBe(false);
    letGo();
    await drained;
    expect((await answers).statuses).toEqual(["200"]);
  });

  test("a query that would wait longer is refused at once", async () => {
    const { port, started } = await serve({ waitsMs: 100 });
    const socket = await open(port);
    socket.write(slow);
    await started;
    const answers = answersOn(socket);
    await app.drain();
    const { statuses, bytes } = await answers;
    expect(statuses).toEqual(["503"]);
    expect(bytes).toContain('"code":"not_ready"');
  });

  test("a client that asks on and on does not hold it up", async () => {
    const { port } = await serve();
    const socket = await open(port);
    socket.on("data", () => socket.write(post("{}")));
    socket.on("error", () => socket.destroy());
    socket.write(post("{}"));
    await once(socket, "data");
    await app.drain();
    await expect.poll(() => socket.destroyed || socket.readableEnded).toBe(true);
  });

  test("nothing new is accepted, and draining twice is draining once", async () => {
    const { origin } = await serve();
    await Promise.all([app.drain(), app.drain()]);
    await expect(fetch(`${origin}/livez`)).rejects.toThrow();
  });

  test("requests still open at the time limit are cut off", async () => {
    const { port, started } = await serve({ waitsMs: 90_000, drainMs: 100 });
    const socket = await open(port);
    socket.write(slow);
    await started;
    const answers = answersOn(socket);
    await app.drain();
    expect((await answers).statuses).toEqual([]);
  });
});

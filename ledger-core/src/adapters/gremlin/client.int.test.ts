import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { makeCertificates } from "../../testing/engines/certificates.ts";
import { startCosmosProxy } from "../../testing/engines/gremlin/cosmos-proxy.ts";
import { findGremlin, type GremlinServer, startGremlin } from "../../testing/engines/gremlin/gremlin.ts";
import { openGremlin } from "./client.ts";
import type { GremlinConnection, GremlinTuning } from "./connection.ts";

const source = await findGremlin();
const username = "/dbs/ledger/colls/payments";
const login = { username, key: { reveal: () => "Zm9yIHRlc3RzIG9ubHk=" } };
const addText = "g.addV('account').property('id',i).property('pk',p).values('pk')";
const unavailable = { code: "store_unavailable", retryable: true };

describe.skipIf(source.kind === "none")("a client of a Gremlin Server", () => {
  let server: GremlinServer;
  beforeAll(async () => {
    server = await startGremlin(source);
  });
  afterAll(() => server.stop());
  const open = (connection: GremlinConnection, tuning?: GremlinTuning) => {
    const client = openGremlin(connection, tuning);
    onTestFinished(() => client.close());
    return client;
  };
  beforeEach(async () => {
    const client = openGremlin(server);
    await client.submit("g.V().drop()", {});
    await client.close();
  });
  const openProxy = async (options: Omit<Parameters<typeof startCosmosProxy>[0], "upstream"> = {}) => {
    const proxy = await startCosmosProxy({ upstream: () => server.port, ...options });
    onTestFinished(() => proxy.close());
    return proxy;
  };

  test("the property id is the element's id; steps that Cosmos DB lacks are refused", async () => {
    const client = open(server);
    expect(await client.add(addText, { i: "a", p: "p1" })).toEqual(["p1"]);
    expect(await client.submit("g.V('a').has('pk',p).count()", { p: "p1" })).toEqual([1]);
    expect(await client.add(addText, { i: "a", p: "p1" })).toBe("exists");
    for (const text of ["g.mergeV([(T.label):'x'])", "g.V().elementMap()", "g.V().match(__.as('a').out().as('b'))"])
      await expect(client.submit(text, {})).rejects.toMatchObject({
        message: expect.stringContaining("Cosmos DB has no"),
      });
    await expect(client.submit("g.V().map{ it.get() }", {})).rejects.toMatchObject(unavailable);
  });

  test("numbers, texts, lists and maps are returned as plain values", async () => {
    const text = "g.inject(1).project('n','t','l').by(constant(n)).by(constant(t)).by(constant(t).fold())";
    expect(await open(server).submit(text, { n: 2 ** 50, t: "x" })).toEqual([{ n: 2 ** 50, t: "x", l: ["x"] }]);
  });

  test("Cosmos DB's login over TLS; a wrong key and a wrong authority are refused", async () => {
    const folder = await mkdtemp(join(tmpdir(), "gremlin-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const { ca, files } = await makeCertificates(folder);
    const tls = { key: await readFile(files.key, "utf8"), cert: await readFile(files.certificate, "utf8") };
    const { host, port } = await openProxy({ login: { username, key: login.key.reveal() }, tls });
    const client = open({ host, port, tls: { ca }, login });
    expect(await client.submit("g.V().count()", {})).toEqual([0]);
    const wrong = { username, key: { reveal: () => "d3Jvbmc=" } };
    for (const connection of [
      { host, port, tls: { ca }, login: wrong },
      { host, port, tls: {}, login },
    ])
      await expect(open(connection).submit("g.V().count()", {})).rejects.toMatchObject(unavailable);
  });

  test("a throttled request is repeated after the pause that the server names, until its time is over", async () => {
    const proxy = await openProxy();
    const client = open(proxy, { throttledMs: 10_000 });
    for (const status of [429, 1007, 1008, 412])
      proxy.plant({ kind: "refuse", status, retryAfter: "00:00:00.0200000" });
    expect(await client.submit("g.V().count()", {})).toEqual([0]);
    expect(client.counts).toEqual({ requests: 5, throttled: 4, connected: 1 });
    proxy.plant({ kind: "refuse", status: 429, retryAfter: "00:01:00" });
    await expect(client.submit("g.V().count()", {})).rejects.toMatchObject(unavailable);
  });

  test("a conflict means that the element exists; a bad request is refused for good", async () => {
    const proxy = await openProxy();
    const client = open(proxy);
    expect(await client.add(addText, { i: "a", p: "p1" })).toEqual(["p1"]);
    expect(await client.add(addText, { i: "a", p: "p1" })).toBe("exists");
    proxy.plant({ kind: "refuse", status: 1004 });
    await expect(client.submit("g.V().count()", {})).rejects.toMatchObject({ code: "incompatible", retryable: false });
  });

  test("a lost answer is an error although the request was executed; the next request works", async () => {
    const proxy = await openProxy();
    const client = open(proxy);
    proxy.plant({ kind: "cut", when: "after", text: /addV/ });
    await expect(client.add(addText, { i: "a", p: "p1" })).rejects.toMatchObject(unavailable);
    expect(await client.add(addText, { i: "a", p: "p1" })).toBe("exists");
    expect(client.counts.connected).toBe(2);
  });

  test("a silent server costs its request the time limit, and no other request its answer", async () => {
    const proxy = await openProxy();
    const client = open(proxy);
    const impatient = () => client.submit("g.V().count()", {}, { deadlineMs: performance.now() + 200 });
    await client.submit("g.V().count()", {});
    proxy.plant({ kind: "silence" });
    await expect(impatient()).rejects.toMatchObject(unavailable);
    expect(await client.submit("g.V().count()", {})).toEqual([0]);
    server.faults?.link.hold();
    await expect(impatient()).rejects.toMatchObject(unavailable);
    server.faults?.link.mend();
    expect(await client.submit("g.V().count()", {})).toEqual([0]);
  });

  test.each([
    ["no JSON", "\0\x01garbage"],
    ["no object", "7"],
    ["no status", JSON.stringify({ requestId: null, result: { data: [] } })],
    ["a result that is no list", JSON.stringify({ requestId: "x", status: { code: 200 }, result: { data: 3 } })],
    ["nothing", ""],
  ])("a frame that is no answer fails the request and nothing else: %s", async (_, frame) => {
    const proxy = await openProxy();
    const client = open(proxy, { requestMs: 5000 });
    proxy.plant({ kind: "odd", frame });
    await expect(client.submit("g.V().count()", {})).rejects.toMatchObject(unavailable);
    expect(await client.submit("g.V().count()", {})).toEqual([0]);
  });

  test("no more requests than allowed are under way at once", async () => {
    const proxy = await openProxy();
    const client = open(proxy, { parallel: 2 });
    proxy.plant({ kind: "silence", times: 2, text: /limit\(0\)/ });
    const deadlineMs = performance.now() + 500;
    const silent = [1, 2].map(() => client.submit("g.V().limit(0)", {}, { deadlineMs }));
    const ended: string[] = [];
    const others = [1, 2, 3].map(() => client.submit("g.V().count()", {}).then(() => ended.push("answered")));
    for (const one of silent) await one.catch(() => ended.push("late"));
    await Promise.all(others);
    expect(ended.slice(0, 1)).toEqual(["late"]);
    expect(proxy.texts.length).toBe(5);
  });

  test("the server's end and start are noticed", async () => {
    if (!server.faults) return;
    const client = open(server);
    await client.add(addText, { i: "a", p: "p1" });
    await server.faults.kill();
    await expect(client.submit("g.V().count()", {})).rejects.toMatchObject(unavailable);
    await server.faults.start();
    expect(await client.submit("g.V().count()", {})).toEqual([0]);
  });
});

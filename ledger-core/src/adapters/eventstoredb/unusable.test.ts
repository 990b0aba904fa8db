import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { NO_REVISION } from "../../domain/position.ts";
import { asNew, makeEvents, readAll } from "../../testing/event-log-events.ts";
import { type EventStoreDbServer, startEventStoreDbServer } from "../../testing/eventstoredb-server/server.ts";
import { type EventStoreDbOptions, openEventStoreDb } from "./log.ts";

const hasty = { connectTimeoutMs: 2000, resumeMs: 0 };

function open(url: string, options: EventStoreDbOptions = {}) {
  const log = openEventStoreDb(url, { ...hasty, ...options });
  onTestFinished(() => log.close());
  return log;
}

async function openServer(): Promise<EventStoreDbServer> {
  const server = await startEventStoreDbServer({ data: ":memory:" });
  onTestFinished(() => server.stop());
  return server;
}

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** Checks that every operation of the log fails with this message. */
async function expectUnavailable(url: string, says: RegExp): Promise<void> {
  const log = open(url);
  const error = { code: "log_unavailable", message: says };
  await expect(log.head(0)).rejects.toMatchObject(error);
  await expect(log.append(0, NO_REVISION, makeEvents(0, 1))).rejects.toMatchObject(error);
  await expect(readAll(log, 0, 0)).rejects.toMatchObject(error);
}

describe("a server that cannot be used", () => {
  test("is not there", async () => {
    await expectUnavailable("esdb://127.0.0.1:1?tls=false", /127\.0\.0\.1:1 refuses connections: nothing listens/);
    await expectUnavailable("esdb+discover://127.0.0.1:1?tls=false", /refuses connections/);
  });

  test("accepts connections and does not answer", async () => {
    const port = await listen(createServer((socket) => void socket.on("error", () => undefined)));
    await expectUnavailable(`esdb://127.0.0.1:${port}?tls=false`, /accepts connections and does not answer/);
  });

  test("speaks another protocol", async () => {
    const port = await listen(createHttpServer((_request, response) => void response.end("hello")));
    await expectUnavailable(
      `esdb://127.0.0.1:${port}?tls=false`,
      /hangs up: it does not speak EventStoreDB's protocol/,
    );
  });

  test("speaks no TLS", async () => {
    const { port } = await openServer();
    await expectUnavailable(`esdb://127.0.0.1:${port}`, /does not speak TLS: add tls=false/);
  });
});

describe("an address that cannot be used", () => {
  test.each([
    { url: "http://127.0.0.1:2113", says: /esdb:\/\// },
    { url: "esdb://host:99999", says: /"host:99999" is no host/ },
    { url: "esdb://host?tsl=false", says: /no option "tsl"/ },
    { url: "esdb://host?tls=no&nodePreference=boss", says: /tls is true or false; nodePreference is/ },
    { url: "esdb://host?tlsVerifyCert=false", says: /certificates are always verified/ },
    { url: "esdb://host?tlsCAFile=/nowhere.pem", says: /tlsCAFile "\/nowhere.pem" cannot be read/ },
    { url: "esdb://admin@host", says: /name:password@/ },
  ])("$url: names each fault", ({ url, says }) => {
    expect(() => openEventStoreDb(url)).toThrow(
      expect.objectContaining({ code: "config", message: expect.stringMatching(says) }),
    );
  });

  test("never shows the password", () => {
    for (const url of ["esdb://admin:s3cret@host:x", "esdb://admin:s3cret:more@host", "esdb:admin:s3cret@host?a=b"])
      expect(() => openEventStoreDb(url)).toThrow(
        expect.objectContaining({ message: expect.not.stringMatching(/s3cret/) }),
      );
  });
});

describe("a stream that is not this ledger's", () => {
  const foreign = { id: "00000000-0000-4000-8000-000000000001", type: "OrderPlaced", contentType: "application/json" };
  const corrupt = (revision: number, says: RegExp) => ({
    ...{ code: "log_corrupt", position: { shard: 0, revision } },
    message: says,
  });

  test("holds events of another program", async () => {
    const server = await openServer();
    const record = { ...foreign, metadata: new Uint8Array(), data: Buffer.from("{}") };
    server.store.append("ledger-0", NO_REVISION, [record]);
    const log = open(server.url);
    await expect(readAll(log, 0, 0)).rejects.toMatchObject(
      corrupt(0, /holds at revision 0 a OrderPlaced event without a leaf hash: is it this ledger's event log\?/),
    );
  });

  test("holds events in a newer layout", async () => {
    const server = await openServer();
    const log = open(server.url);
    await log.append(0, NO_REVISION, makeEvents(0, 1));
    server.store.append("ledger-0", 0, [{ ...foreign, metadata: new Uint8Array([2, 0]), data: Buffer.from("{}") }]);
    await expect(readAll(log, 0, 0)).rejects.toMatchObject(corrupt(1, /layout 2, which is newer than this version/));
  });

  test("holds events of another shard", async () => {
    const server = await openServer();
    const log = open(server.url);
    await log.append(3, NO_REVISION, makeEvents(0, 2, { shard: 3 }));
    server.store.append("ledger-0", NO_REVISION, server.store.read("ledger-3", 0, 2));
    await expect(readAll(log, 0, 0)).rejects.toMatchObject(corrupt(0, /an event that was written at 3:0/));
  });

  test("has lost its first events to a retention setting", async () => {
    const server = await openServer();
    const log = open(server.url);
    await log.append(0, NO_REVISION, makeEvents(0, 5));
    server.store.truncate("ledger-0", 3);
    await expect(readAll(log, 0, 0)).rejects.toMatchObject(corrupt(0, /\$maxCount, \$maxAge or \$tb/));
    expect(asNew(await readAll(log, 0, 3))).toEqual(makeEvents(3, 2));
  });

  test("was damaged: the good events come first, then the place of the bad one", async () => {
    const server = await openServer();
    const log = open(server.url);
    await log.append(0, NO_REVISION, makeEvents(0, 5));
    server.store.overwrite("ledger-0", 3, new Uint8Array([1]));
    const read: number[] = [];
    const reading = async () => {
      for await (const events of log.read(0, 0)) read.push(...events.map(({ revision }) => revision));
    };
    await expect(reading()).rejects.toMatchObject(corrupt(3, /do not match its leaf hash/));
    expect(read).toEqual([0, 1, 2]);
  });
});

test("of two writers on one shard, the second is refused and writes nothing", async () => {
  const server = await openServer();
  const [first, second] = [open(server.url), open(server.url)];
  await first.append(0, NO_REVISION, makeEvents(0, 2));
  await expect(second.append(0, NO_REVISION, makeEvents(0, 2, { salt: 2 }))).rejects.toMatchObject({
    ...{ code: "wrong_expected_revision", retryable: false },
    message: "shard 0 was expected at revision -1 and is at 1: another writer wrote",
  });
  expect(asNew(await readAll(second, 0, 0))).toEqual(makeEvents(0, 2));
});

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { NO_REVISION } from "../../domain/position.ts";
import { type Certificates, makeCertificates } from "../../testing/engines/certificates.ts";
import { findProgram } from "../../testing/engines/engine.ts";
import { asNew, followTo, makeEvents, readAll } from "../../testing/event-log-events.ts";
import { type EventStoreDbServer, startEventStoreDbServer } from "../../testing/eventstoredb-server/server.ts";
import { type EventStoreDbOptions, openEventStoreDb } from "./log.ts";

const openssl = await findProgram("openssl");
const password = "p:ä@ 1";
const login = `ledger:${encodeURIComponent(password)}@`;

describe.skipIf(!openssl && process.env.CI !== "true")("a server with TLS and a login (needs openssl)", () => {
  let folder: string;
  let made: Certificates;
  let server: EventStoreDbServer;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "eventstoredb-"));
    made = await makeCertificates(folder);
    const [certificate, key] = [await readFile(made.files.certificate, "utf8"), await readFile(made.files.key, "utf8")];
    const user = { name: "ledger", password };
    server = await startEventStoreDbServer({ data: ":memory:", tls: { certificate, key }, user });
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });

  const open = (url: string, options: EventStoreDbOptions = {}) => {
    const log = openEventStoreDb(url, { resumeMs: 0, ...options });
    onTestFinished(() => log.close());
    return log;
  };

  test("is used with both: from the address, or from elsewhere", async () => {
    const fromUrl = open(`esdb://${login}localhost:${server.port}?tlsCAFile=${made.files.ca}`);
    const credentials = { username: "ledger", password: { reveal: () => password } };
    const fromElsewhere = open(`esdb+discover://localhost:${server.port}`, { ca: made.ca, credentials });
    await fromUrl.append(0, NO_REVISION, makeEvents(0, 3));
    expect(asNew(await readAll(fromUrl, 0, 0))).toEqual(makeEvents(0, 3));
    expect(await followTo(fromUrl, 0, 0, 2)).toEqual([0, 1, 2]);
    // The cluster reports its member by address, which differs from the certificate's name.
    await expect(fromElsewhere.head(0)).rejects.toMatchObject({ message: /certificate that is not trusted/ });
  });

  test.each([
    { what: "a wrong password", login: "ledger:wrong@", says: /refuses this name and password/ },
    { what: "no password", login: "", says: /refuses this name and password/ },
    { what: "an authority that is not known", login, query: "", says: /not trusted: name its authority by tlsCAFile/ },
    { what: "a host that the certificate does not name", login, host: "127.0.0.1", says: /not trusted/ },
    { what: "no TLS", login, query: "?tls=false", says: /hangs up: .* wants TLS where tls=false was given/ },
  ])("refuses $what, and writes nothing", async ({ says, host = "localhost", query, ...given }) => {
    const head = server.store.head("ledger-0");
    const log = open(`esdb://${given.login}${host}:${server.port}${query ?? `?tlsCAFile=${made.files.ca}`}`);
    const error = { code: "log_unavailable", message: says };
    await expect(log.head(0)).rejects.toMatchObject(error);
    await expect(log.append(0, head, makeEvents(head + 1, 1))).rejects.toMatchObject(error);
    expect(server.store.head("ledger-0")).toBe(head);
  });
});

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { NO_REVISION } from "ledger-core";
import { openSqliteLog } from "ledger-core/event-log";
import { findKafka, type KafkaBroker, makeEvents, startKafka } from "ledger-core/testing";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { documentOf, ledger, type Running, runLedgerWith } from "../ledger.fixture.ts";

const source = await findKafka();
const dir = mkdtempSync(join(tmpdir(), "ledger-mirror-"));
const operationsPage = resolve(import.meta.dirname, "../../../docs/operations.md");
const clients = ["kafkajs", "platformatic"] as const;

describe.skipIf(source.kind === "none")(source.kind === "none" ? source.reason : "commands on a broker", () => {
  let broker: KafkaBroker;
  beforeAll(async () => {
    broker = await startKafka(source);
    await ledger("token", "--role", "operator", "--data", dir);
  });
  afterAll(async () => {
    await broker.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  /** Settings of a log of ten events and the broker, encrypted and with a password where it has that. */
  async function settings() {
    const topic = await broker.createTopic();
    const file = join(dir, `${topic}.sqlite`);
    // Shared, as the log's servers are: the mirror reads while this process appends.
    const log = await openSqliteLog({ file, shared: true });
    onTestFinished(() => log.close());
    await log.append(0, NO_REVISION, makeEvents(0, 10));
    const { brokers, tls, sasl } = broker.secure ?? broker.plain;
    const env: Readonly<Record<string, string>> = {
      ...{ LEDGER_DATA: dir, LEDGER_OPERATIONS_PORT: "0", LEDGER_LOG_LEVEL: "trace", EVENT_LOG: `sqlite:${file}` },
      ...{ BROKER: `kafka://${brokers.join(",")}`, BROKER_TOPIC: topic },
      ...(tls?.ca === undefined ? { BROKER_TLS: "false" } : { BROKER_CA: tls.ca }),
      ...(sasl && { BROKER_USERNAME: sasl.username, BROKER_PASSWORD: sasl.password.reveal() }),
    };
    return { log, env };
  }
  const stopped = (running: Running) => {
    running.child.kill("SIGTERM");
    return running.ended;
  };
  const textAt = async (url: string) => (await fetch(url)).text();

  test.each(clients)(
    "the mirror copies the log, and ledger mirror verify compares them (%s)",
    { timeout: 90_000 },
    async (client) => {
      const { log, env } = await settings();
      const withClient = { ...env, BROKER_CLIENT: client };
      const mirror = runLedgerWith(withClient, "start", "mirror");
      onTestFinished(async () => void (await stopped(mirror)));
      const [, operations = ""] = await mirror.printed(/"operations":"([^"]+)"/);
      await expect.poll(() => textAt(`${operations}/metrics`), { timeout: 25_000 }).toContain("mirror_events 10");
      const served = [...(await textAt(`${operations}/metrics`)).matchAll(/^(mirror_\w+) /gm)].map(([, name]) => name);
      const described = [...readFileSync(operationsPage, "utf8").matchAll(/^\| `(mirror_\w+)`/gm)].map(
        ([, name]) => name,
      );
      expect(served.toSorted()).toEqual(described.toSorted());
      await expect.poll(() => textAt(`${operations}/readyz`), { timeout: 25_000 }).toContain("live at 0:9");
      const output = await stopped(mirror);

      const equal = await runLedgerWith(withClient, "mirror", "verify").ended;
      expect(equal.stdout).toContain("shard 0: equal; 0:0 to 0:9 of 0:9; 0 repeats");
      expect(equal.code).toBe(0);
      await log.append(0, 9, makeEvents(10, 1));
      const behind = await runLedgerWith(withClient, "mirror", "verify", "--json").ended;
      expect(documentOf(behind)).toMatchObject({
        shards: [{ last: 9, head: 10, fault: expect.stringContaining("ends at") }],
      });
      expect(behind.code).toBe(3);
      for (const { stdout, stderr } of [output, equal, behind])
        expect(stdout + stderr).not.toContain(env.BROKER_PASSWORD ?? "no password");
    },
  );

  test.each(clients)("a wrong password is named and shown nowhere (%s)", { timeout: 90_000 }, async (client) => {
    const { env } = await settings();
    if (env.BROKER_PASSWORD === undefined) return;
    const secret = "planted-5e3r3t+/=";
    const wrong = { ...env, BROKER_PASSWORD: secret, BROKER_CLIENT: client };
    const services = ["mirror", "projections"].map(async (name) => {
      const service = runLedgerWith(wrong, "start", name);
      onTestFinished(async () => void (await stopped(service)));
      const [, operations = ""] = await service.printed(/"operations":"([^"]+)"/);
      await expect.poll(() => textAt(`${operations}/readyz`), { timeout: 25_000 }).toContain("mirror_refused");
      const pages = [await textAt(`${operations}/readyz`), await textAt(`${operations}/metrics`)];
      const { stdout, stderr } = await stopped(service);
      expect(stderr).toContain("check its TLS settings, user name and password");
      return [stdout, stderr, ...pages].join("\n");
    });
    const check = await runLedgerWith(wrong, "config", "check", "mirror").ended;
    expect(check.stdout).toContain("broker: FAILED, the broker refuses us");
    for (const text of [check.stdout, check.stderr, ...(await Promise.all(services))])
      for (const form of [secret, Buffer.from(secret).toString("base64"), Buffer.from(secret).toString("hex")])
        expect(text).not.toContain(form);
  });
});

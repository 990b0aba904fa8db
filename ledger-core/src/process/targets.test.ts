import { describe, expect, test } from "vitest";
import { isLedgerError } from "../domain/errors.ts";
import { readConfiguration } from "./configuration.ts";
import type { Environment } from "./env.ts";
import { brokerPart, consumerGroupPart, eventLogPart } from "./targets.ts";

const eventLog = (environment: Environment) => readConfiguration({ eventLog: eventLogPart }, environment).eventLog;
const broker = (environment: Environment) => readConfiguration({ broker: brokerPart }, environment).broker;

/** The message of a refusal. */
function refusal(environment: Environment): string {
  try {
    readConfiguration({ eventLog: eventLogPart, broker: brokerPart, group: consumerGroupPart }, environment);
  } catch (error) {
    if (isLedgerError(error, "config")) return error.message;
    throw error;
  }
  throw new Error("it was taken");
}

describe("the event log", () => {
  test("is a file in the data folder by default", () => {
    expect(eventLog({ LEDGER_DATA: "/srv/ledger" })).toEqual({ kind: "sqlite", file: "/srv/ledger/events.sqlite" });
  });

  test("is any SQLite file, or an EventStoreDB with user, password and authority", () => {
    expect(eventLog({ EVENT_LOG: "sqlite:/data/log.sqlite" })).toEqual({ kind: "sqlite", file: "/data/log.sqlite" });
    for (const url of [
      "esdb://localhost:2113?tls=false",
      "esdb+discover://a.example:2113,b.example:2113",
      "esdb://[::1]",
    ])
      expect(eventLog({ EVENT_LOG: url })).toEqual({ kind: "eventstoredb", url });
    const target = eventLog({
      EVENT_LOG: "esdb://log.example:2113",
      EVENT_LOG_USERNAME: "ledger",
      EVENT_LOG_PASSWORD: "planted",
      EVENT_LOG_CA: "PEM",
    });
    expect(target).toMatchObject({ url: "esdb://log.example:2113", credentials: { username: "ledger" }, ca: "PEM" });
    expect(target.kind === "eventstoredb" && target.credentials?.password.reveal()).toBe("planted");
  });
});

describe("the broker", () => {
  test("is none by default", () => expect(broker({})).toEqual({ kind: "none" }));

  test("is Kafka, encrypted unless told otherwise", () => {
    expect(broker({ BROKER: "kafka://a.example:9093,b.example:9093" })).toEqual({
      ...{ kind: "kafka", brokers: ["a.example:9093", "b.example:9093"], topic: "ledger-events" },
      ...{ client: "kafkajs", tls: {} },
    });
    expect(broker({ BROKER: "kafka://a:9093", BROKER_CLIENT: "platformatic" })).toMatchObject({
      client: "platformatic",
    });
    expect(broker({ BROKER: "kafka://127.0.0.1:9092", BROKER_TLS: "false" })).not.toHaveProperty("tls");
    const hubs = { BROKER: "kafka://x.example:9093", BROKER_USERNAME: "$ConnectionString", BROKER_PASSWORD: "planted" };
    expect(broker(hubs)).toMatchObject({ sasl: { username: "$ConnectionString" } });
  });
});

test.each<[Environment, string]>([
  [{ EVENT_LOG: "postgres://planted" }, "EVENT_LOG must be sqlite:<file>, esdb://"],
  [{ EVENT_LOG: "esdb://user:planted@host:2113" }, "EVENT_LOG holds credentials: put them into EVENT_LOG_USERNAME"],
  [{ EVENT_LOG: "esdb://host", EVENT_LOG_USERNAME: "a" }, "EVENT_LOG_USERNAME and EVENT_LOG_PASSWORD go together"],
  [
    { EVENT_LOG: "esdb://host?tls=false", EVENT_LOG_USERNAME: "a", EVENT_LOG_PASSWORD: "planted" },
    "EVENT_LOG_PASSWORD would cross the network in clear",
  ],
  [{ EVENT_LOG_CA: "planted" }, "EVENT_LOG_CA are for an esdb:// URL"],
  [{ BROKER: "kafka://host:9093", BROKER_CLIENT: "librdkafka" }, "BROKER_CLIENT must be one of kafkajs, platformatic"],
  [{ BROKER: "kafka://host" }, "BROKER must be none or kafka://<host>:<port>"],
  [
    { BROKER: "kafka://$ConnectionString:planted@host:9093" },
    "BROKER holds credentials: put them into BROKER_USERNAME",
  ],
  [{ BROKER: "kafka://host:9093", BROKER_PASSWORD: "planted" }, "BROKER_USERNAME and BROKER_PASSWORD go together"],
  [{ BROKER_USERNAME: "a", BROKER_PASSWORD: "planted" }, "are for a kafka:// URL in BROKER"],
  [
    { BROKER: "kafka://host:9092", BROKER_TLS: "false", BROKER_USERNAME: "a", BROKER_PASSWORD: "planted" },
    "BROKER_PASSWORD would cross the network in clear",
  ],
  [{ BROKER: "kafka://host:9092", BROKER_TLS: "false", BROKER_CA: "planted" }, "BROKER_CA is of no use"],
  [{ BROKER_GROUP: "planted, twice" }, "BROKER_GROUP must be 1 to 200 letters"],
])("%j is refused, and says what to do", (environment, message) => {
  const told = refusal(environment);
  expect(told).toContain(message);
  expect(told).not.toContain("planted");
});

test("the faults of all parts are reported at once", () => {
  const told = refusal({ EVENT_LOG: "file:x", EVENT_LOG_USERNAME: "a", BROKER: "amqp://x", BROKER_TLS: "yes" });
  for (const name of ["EVENT_LOG must be", "EVENT_LOG_PASSWORD go together", "BROKER must be", "BROKER_TLS must be"])
    expect(told).toContain(name);
});

import { Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findKafka, type KafkaAccess, type KafkaBroker, startKafka } from "./kafka.ts";

const source = await findKafka();

function admin({ brokers, tls, sasl }: KafkaAccess) {
  return new Kafka({
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
    retry: { retries: 20, initialRetryTime: 50, maxRetryTime: 200 },
    ...(tls && { ssl: { ca: tls.ca } }),
    ...(sasl && { sasl: { mechanism: "plain", username: sasl.username, password: sasl.password.reveal() } }),
  }).admin();
}

describe.skipIf(source.kind === "none")(source.kind === "none" ? source.reason : "a Kafka broker", () => {
  let broker: KafkaBroker;
  beforeAll(async () => {
    broker = await startKafka(source);
  });
  afterAll(() => broker.stop());

  async function partitions(access: KafkaAccess, topic: string): Promise<number | undefined> {
    const client = admin(access);
    await client.connect();
    const { topics } = await client.fetchTopicMetadata({ topics: [topic] });
    await client.disconnect();
    return topics[0]?.partitions.length;
  }

  test("makes topics, which clients find with and without TLS", async () => {
    const topic = await broker.createTopic({ partitions: 3 });
    expect(await partitions(broker.plain, topic)).toBe(3);
    if (broker.secure) expect(await partitions(broker.secure, topic)).toBe(3);
  });

  test("keeps its topics when it is killed and started again", async ({ skip }) => {
    if (!broker.faults) return skip("the broker of KAFKA_URL is not ours to kill");
    const topic = await broker.createTopic({ partitions: 2 });
    await broker.faults.kill();
    await broker.faults.start();
    expect(await partitions(broker.plain, topic)).toBe(2);
  });
});

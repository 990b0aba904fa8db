import { createRequire } from "node:module";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findKafka, type KafkaBroker, startKafka } from "../../testing/engines/kafka/kafka.ts";
import { mirrorSuite } from "../../testing/mirror-suite.ts";
import { kafkaClientNames } from "./connection.ts";
import { mendIdleTimers } from "./kafkajs/idle-timers.ts";
import { openMirrorSource } from "./mirror-source.ts";
import { openMirrorTarget } from "./mirror-target.ts";

const source = await findKafka();

describe.skipIf(source.kind === "none")(source.kind === "none" ? source.reason : "Kafka", () => {
  let broker: KafkaBroker;
  beforeAll(async () => {
    broker = await startKafka(source);
  });
  afterAll(() => broker.stop());

  for (const client of kafkaClientNames)
    mirrorSuite(client, () => broker, {
      openTarget: (connection, options) => openMirrorTarget({ ...connection, client }, options),
      openSource: (connection, options) => openMirrorSource({ ...connection, client }, options),
    });
});

test("kafkajs sets no timer for an empty request queue", () => {
  mendIdleTimers();
  mendIdleTimers();
  const { prototype } = createRequire(import.meta.url)("kafkajs/src/network/requestQueue");
  const queue = { throttledUntil: -1, throttleCheckTimeoutId: null as unknown, pending: [] as unknown[] };
  prototype.scheduleCheckPendingRequests.call(queue);
  expect(queue.throttleCheckTimeoutId).toBeNull();
  const waiting = { ...queue, pending: ["a request"], checkPendingRequests: () => undefined };
  prototype.scheduleCheckPendingRequests.call(waiting);
  expect(waiting.throttleCheckTimeoutId).not.toBeNull();
});

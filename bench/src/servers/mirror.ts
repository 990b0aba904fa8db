import { randomUUID } from "node:crypto";
import { Kafka, logLevel } from "kafkajs";
import type { Revision } from "ledger-core";
import { openEventLogReader } from "ledger-core/engines";
import type { StoredEvent } from "ledger-core/event-log";
import { type MirrorTarget, openMirrorSource, openMirrorTarget } from "ledger-core/kafka";
import { createLogger } from "ledger-core/process";
import { runProjection, startMirror, watchTarget } from "projection-workers";
import { childOptions, serveParent } from "./child.ts";

export type MirrorServerOptions = { readonly brokers: readonly string[] };
/**
 * `mirror`: our mirror, from the log to the topic up to the revision; `client`: kafkajs alone sends the same records;
 * `apply`: our source and consumer, to a target that does nothing; `fetch`: kafkajs alone reads the topic.
 * `follow`: mirrors a log that grows, until `delays`.
 */
export type MirrorQuestion =
  | {
      readonly ask: "mirror" | "client" | "apply";
      readonly file: string;
      readonly topic: string;
      readonly last: number;
    }
  | { readonly ask: "fetch"; readonly topic: string; readonly last: number }
  | { readonly ask: "follow"; readonly file: string; readonly topic: string }
  | { readonly ask: "delays" };
export type MirrorSeconds = { readonly seconds: number };
/** From the time of an event to the broker's acknowledgement. */
export type MirrorDelays = { readonly events: number; readonly p50Ms: number; readonly p99Ms: number };

/** As the mirror sends: `eventsMax` of its tuning. */
const BATCH = 400;

const { brokers } = childOptions((value) => value as MirrorServerOptions);
const logger = createLogger({ name: "bench", level: "error" });
const kafka = new Kafka({ clientId: "bench", brokers: [...brokers], logLevel: logLevel?.ERROR ?? 1 });
const connectionTo = (topic: string) => ({ brokers, topic });
const follower = makeFollower();
await serveParent({}, answer, follower.stop);

async function answer(question: unknown): Promise<object> {
  const asked = question as MirrorQuestion;
  switch (asked.ask) {
    case "mirror":
      return mirrorAll(asked.file, asked.topic, asked.last);
    case "client":
      return sendAll(asked.file, asked.topic);
    case "apply":
      return applyAll(asked.file, asked.topic, asked.last);
    case "fetch":
      return fetchAll(asked.topic, asked.last);
    case "follow":
      await follower.follow(asked.file, asked.topic);
      return {};
    case "delays":
      return delaysOf(follower.delays);
    default:
      return asked satisfies never;
  }
}

/** The mirror's target; `onSent` is called with each batch that the broker has acknowledged. */
function watchedTarget(topic: string, onSent: (events: readonly StoredEvent[]) => void): MirrorTarget {
  return watchTarget(openMirrorTarget(connectionTo(topic), { logger }), () => onSent);
}

/** Measured from the first acknowledgement, without the time to connect. */
async function mirrorAll(file: string, topic: string, last: Revision): Promise<MirrorSeconds> {
  const log = await openEventLogReader({ kind: "sqlite", file });
  const done = Promise.withResolvers<MirrorSeconds>();
  let beganMs = 0;
  const target = watchedTarget(topic, (events) => {
    beganMs ||= performance.now();
    if (events.at(-1)?.revision === last) done.resolve({ seconds: (performance.now() - beganMs) / 1000 });
  });
  const mirror = startMirror({ log, target, shards: 1, logger });
  const result = await done.promise;
  await mirror.stop();
  await log.close();
  return result;
}

async function sendAll(file: string, topic: string): Promise<MirrorSeconds> {
  const messages = await messagesOf(file);
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false });
  await producer.connect();
  const send = (from: number) =>
    producer.send({ topic, acks: -1, messages: messages.slice(from, from + BATCH) }).then(() => from + BATCH);
  let next = await send(0);
  const beganMs = performance.now();
  while (next < messages.length) next = await send(next);
  const seconds = (performance.now() - beganMs) / 1000;
  await producer.disconnect();
  return { seconds };
}

/** Records like the mirror's. */
async function messagesOf(file: string) {
  const log = await openEventLogReader({ kind: "sqlite", file });
  const messages = [];
  for await (const events of log.read(0, 0))
    for (const { type, id, shard, revision, leaf, version, at, data } of events)
      messages.push({
        ...{ key: String(shard), partition: shard, value: Buffer.from(data) },
        headers: {
          ...{ type, id, shard: String(shard), revision: String(revision), leaf: Buffer.from(leaf).toString("hex") },
          ...{ version: String(version), at: String(at) },
        },
      });
  await log.close();
  return messages;
}

/** Measured from the first batch. */
async function applyAll(file: string, topic: string, last: Revision): Promise<MirrorSeconds> {
  const log = await openEventLogReader({ kind: "sqlite", file });
  const mirror = openMirrorSource(connectionTo(topic), { logger });
  const done = Promise.withResolvers<MirrorSeconds>();
  const stop = new AbortController();
  let beganMs = 0;
  const run = runProjection<never>({
    ...{ shard: 0, signal: stop.signal, logger },
    log: { ...log, subscribe: (...from) => mirror.subscribe(...from) },
    projection: { name: "nothing", project: () => [], projectCharge: () => [] },
    target: {
      checkpoint: async () => -1,
      async apply(_shard, _after, upTo) {
        beganMs ||= performance.now();
        if (upTo === last) done.resolve({ seconds: (performance.now() - beganMs) / 1000 });
      },
    },
  });
  const result = await done.promise;
  stop.abort();
  await run.finished;
  await mirror.close();
  await log.close();
  return result;
}

/** Measured from the first batch. */
async function fetchAll(topic: string, last: number): Promise<MirrorSeconds> {
  const consumer = kafka.consumer({ groupId: randomUUID(), maxWaitTimeInMs: 500 });
  const done = Promise.withResolvers<MirrorSeconds>();
  let beganMs = 0;
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    async eachBatch({ batch }) {
      beganMs ||= performance.now();
      if (Number(batch.lastOffset()) >= last) done.resolve({ seconds: (performance.now() - beganMs) / 1000 });
    },
  });
  const result = await done.promise;
  await consumer.disconnect();
  return result;
}

/** A mirror of a log that grows, and the delays of its events. */
function makeFollower() {
  const delays: number[] = [];
  let stop = async () => {};
  return {
    delays,
    stop: () => stop(),
    async follow(file: string, topic: string) {
      const log = await openEventLogReader({ kind: "sqlite", file });
      const target = watchedTarget(topic, (events) => {
        const nowMs = Date.now();
        for (const { at } of events) delays.push(Math.max(0, nowMs - at / 1000));
      });
      const mirror = startMirror({ log, target, shards: 1, logger });
      stop = () => mirror.stop().then(() => log.close());
    },
  };
}

/** Of the events since the last time. */
function delaysOf(delays: number[]): MirrorDelays {
  const sorted = delays.splice(0).sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
  return { events: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99) };
}

import { pino } from "pino";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { KafkaConnection, KafkaTuning } from "../adapters/kafka/connection.ts";
import { recordOf } from "../adapters/kafka/records.ts";
import { leafHash } from "../adapters/leaf.ts";
import type { StoredEvent } from "../ports/event-log.ts";
import type { MirrorSource } from "../ports/mirror-source.ts";
import type { MirrorTarget } from "../ports/mirror-target.ts";
import type { KafkaBroker } from "./engines/kafka/kafka.ts";
import { makeEvents, range } from "./event-log-events.ts";
import { follow } from "./mirror-follower.ts";

/** A Kafka client under test. */
export type MirrorClient = {
  openTarget(connection: KafkaConnection, options: { logger: typeof logger; tuning: KafkaTuning }): MirrorTarget;
  openSource(
    connection: KafkaConnection,
    options: { logger: typeof logger; tuning: KafkaTuning; group?: string },
  ): MirrorSource;
};

const logger = pino({ level: "silent" });

/** Slow enough for a slow machine, and quick to notice a fault. */
export const quickTuning: KafkaTuning = {
  ...{ requestTimeoutMs: 5000, connectionTimeoutMs: 2000, clientRetries: 4, clientPauseMs: 50 },
  ...{ sessionTimeoutMs: 6000, fetchWaitMs: 50 },
};

/** Events with their positions, as a log has them. */
function storedEvents(from: number, count: number, shard = 0): StoredEvent[] {
  return makeEvents(from, count, { shard }).map((event, index) => {
    const placed = { ...event, shard, revision: from + index };
    return { ...placed, leaf: leafHash(placed) };
  });
}

/** The contract of a mirror on Kafka; every client passes it. */
export function mirrorSuite(name: string, broker: () => KafkaBroker, client: MirrorClient): void {
  describe(`mirror, ${name}`, () => {
    let topic: string;
    beforeEach(async () => {
      topic = await broker().createTopic({ partitions: 2 });
    });

    const connection = (): KafkaConnection => ({ ...broker().plain, topic });
    function openTarget(to: KafkaConnection = connection(), tuning: KafkaTuning = {}): MirrorTarget {
      const target = client.openTarget(to, { logger, tuning: { ...quickTuning, ...tuning } });
      onTestFinished(() => target.close());
      return target;
    }
    function openSource(group?: string): MirrorSource {
      const source = client.openSource(connection(), { logger, tuning: quickTuning, ...(group && { group }) });
      onTestFinished(() => source.close());
      return source;
    }
    async function openWriter(shard = 0, target = openTarget()) {
      const writer = await target.open(shard);
      onTestFinished(() => writer.close());
      return writer;
    }
    async function mirrored(events: readonly StoredEvent[]): Promise<void> {
      await (await openWriter(events[0]?.shard)).append(events);
    }
    async function records(shard = 0) {
      const all: { offset: number; event: StoredEvent | undefined }[] = [];
      for await (const piece of openSource().records(shard)) all.push(...piece);
      return all;
    }
    const refused = (text: string) => ({ code: "mirror_refused", message: expect.stringContaining(text) });

    describe("target", () => {
      test("refuses a topic that does not accept every event, and says why", async () => {
        await openTarget().check([0, 1]);
        await expect(openTarget().check([0, 1, 2])).rejects.toMatchObject(refused("2 partitions"));
        await expect(openTarget({ ...connection(), topic: "absent" }).check([0])).rejects.toMatchObject(
          refused("does not exist"),
        );
        const config = { "retention.ms": "60000", "max.message.bytes": "100000", "cleanup.policy": "compact" };
        const unfit = await broker().createTopic({ config });
        const check = openTarget({ ...connection(), topic: unfit }).check([0]);
        await expect(check).rejects.toMatchObject(refused("cleanup.policy"));
        await expect(check).rejects.toMatchObject(refused("retention.ms"));
        await expect(check).rejects.toMatchObject(refused("max.message.bytes"));
      });

      test("appends events unchanged, and a new writer knows the last one", async () => {
        const events = storedEvents(0, 5);
        const writer = await openWriter();
        expect(writer.end).toMatchObject({ revision: -1, foreign: 0 });
        await writer.append(events.slice(0, 2));
        await writer.append(events.slice(2));
        expect(await records()).toEqual(events.map((event, offset) => ({ offset, event: asRead(event) })));
        const { end } = await openWriter();
        expect(end.revision).toBe(4);
        expect(end.event).toMatchObject({ id: events[4]?.id });
        expect((await openWriter(1)).end.revision).toBe(-1);
      });

      test("accepts the largest possible event", async () => {
        const [event] = makeEvents(0, 1, { size: 512 * 1024 });
        if (!event) throw new Error("there is one");
        const placed = { ...event, shard: 0, revision: 0 };
        await mirrored([{ ...placed, leaf: leafHash(placed) }]);
        expect((await records())[0]?.event?.data.length).toBe(512 * 1024);
      });

      test("skips foreign records", async () => {
        await mirrored(storedEvents(0, 2));
        const [forged] = storedEvents(2, 1);
        if (!forged) throw new Error("there is one");
        await broker().send(topic, 0, [
          { value: "hello" },
          { ...recordOf(forged), value: Buffer.from("other bytes") },
          recordOf({ ...forged, revision: 700, leaf: leafHash({ ...forged, revision: 700 }) }),
        ]);
        const { end } = await openWriter();
        expect(end).toMatchObject({ revision: 1, foreign: 3 });
      });

      test("over TLS refuses a wrong password, an unknown certificate, and a certificate of another host", async ({
        skip,
      }) => {
        const { secure, plain } = broker();
        if (!secure?.sasl) return skip("the broker of KAFKA_URL has no listener with TLS");
        const good = { ...secure, topic };
        await openTarget(good).check([0]);
        const sasl = { ...secure.sasl, password: { reveal: () => "wrong" } };
        const faults: [KafkaConnection, string][] = [
          [{ ...good, sasl }, "password"],
          [{ ...good, tls: {} }, "certificate"],
          [{ ...good, brokers: good.brokers.map((name) => name.replace("localhost", "127.1")) }, "altnames"],
          [{ ...good, brokers: plain.brokers }, "TLS"],
        ];
        for (const [faulty, text] of faults)
          await expect(openTarget(faulty).check([0]), text).rejects.toMatchObject(refused(text));
        await expect(openTarget({ ...good, sasl }).open(0)).rejects.toMatchObject(refused("password"));
        const { brokers } = secure;
        await expect(openTarget({ brokers, topic }).check([0])).rejects.toMatchObject({ code: "broker_unavailable" });
      });

      test("refuses a batch that the topic does not accept, and a partition that it does not have", async () => {
        const small = await broker().createTopic({ config: { "max.message.bytes": "2000" } });
        const target = openTarget({ ...connection(), topic: small });
        const writer = await openWriter(0, target);
        await writer.append(storedEvents(0, 1));
        await expect(writer.append(storedEvents(1, 20))).rejects.toMatchObject(refused("max.message.bytes"));
        await expect(target.open(1)).rejects.toMatchObject(refused("no partition 1"));
      });

      test("notices that the topic was deleted, and that it was created again", async () => {
        const writer = await openWriter();
        await writer.append(storedEvents(0, 2));
        await broker().deleteTopic(topic);
        const next = storedEvents(2, 1);
        const code = () =>
          writer.append(next).then(
            () => "sent",
            (error: { code: string }) => error.code,
          );
        await expect.poll(code, { timeout: 20_000 }).toBe("mirror_refused");
        await broker().recreateTopic(topic, { partitions: 2 });
        await expect.poll(code, { timeout: 20_000 }).toBe("broker_unavailable");
        expect((await openWriter()).end).toMatchObject({ revision: -1, event: undefined });
      });

      test("a batch whose answer was lost is stored once when it is repeated", async ({ skip }) => {
        const { faults } = broker();
        if (!faults) return skip("the broker of KAFKA_URL is not ours to disturb");
        const writer = await openWriter(0, openTarget(connection(), { requestTimeoutMs: 1000, clientRetries: 1 }));
        await writer.append(storedEvents(0, 3));
        const next = storedEvents(3, 4);
        faults.link.mute();
        await expect(writer.append(next)).rejects.toMatchObject({ code: "outcome_unknown" });
        await expect(writer.append(storedEvents(3, 4))).rejects.toThrow("only the identical batch");
        faults.link.mend();
        await expect
          .poll(
            () =>
              writer.append(next).then(
                () => "sent",
                () => "not yet",
              ),
            { timeout: 20_000 },
          )
          .toBe("sent");
        await writer.append(storedEvents(7, 1));
        expect((await records()).map(({ event }) => event?.revision)).toEqual(range(0, 7));
      });
    });

    describe("source", () => {
      test("delivers history from any revision, reports that it caught up, and continues live", async () => {
        const writer = await openWriter();
        await writer.append(storedEvents(0, 10));
        const source = openSource();
        const follower = follow(source, 0, 4);
        expect(await follower.until(9)).toEqual(range(4, 9));
        await writer.append(storedEvents(10, 3));
        expect(await follower.until(12)).toEqual(range(10, 12));
        await follower.end();
      });

      test("of an empty partition is caught up at once", async () => {
        const source = openSource();
        const abort = new AbortController();
        for await (const delivery of source.subscribe(0, 0, abort.signal)) {
          expect(delivery).toEqual({ kind: "caught_up", head: -1 });
          abort.abort();
        }
      });

      test("drops repeats and foreign records", async () => {
        await mirrored(storedEvents(0, 3));
        await broker().send(topic, 0, storedEvents(1, 2).map(recordOf));
        await broker().send(topic, 0, [{ value: "hello" }]);
        await broker().send(topic, 0, storedEvents(3, 2).map(recordOf));
        const follower = follow(openSource(), 0, 0);
        expect(await follower.until(4)).toEqual(range(0, 4));
        await follower.end();
      });

      test("refuses a gap, after the events before it", async () => {
        await mirrored(storedEvents(0, 3));
        await broker().send(topic, 0, [{ value: "so that the offset may be" }]);
        await broker().send(topic, 0, storedEvents(4, 1).map(recordOf));
        const follower = follow(openSource(), 0, 0);
        expect(await follower.until(2)).toEqual(range(0, 2));
        await expect(follower.until(4)).rejects.toMatchObject({
          code: "revision_gap",
          position: { shard: 0, revision: 3 },
        });
      });

      test("says when the topic no longer holds a revision", async () => {
        await mirrored(storedEvents(0, 10));
        await broker().expire(topic, 0, 6);
        await expect(follow(openSource(), 0, 2).until(9)).rejects.toMatchObject({ code: "behind_retention" });
        const follower = follow(openSource(), 0, 6);
        expect(await follower.until(9)).toEqual(range(6, 9));
        await follower.end();
        await broker().expire(topic, 0, 10);
        await expect(follow(openSource(), 0, 6).until(9)).rejects.toMatchObject({ code: "behind_retention" });
      });

      test("commits how much is applied, and starts where it is asked whatever its group remembers", async () => {
        await mirrored(storedEvents(0, 5));
        const group = `group-${topic}`;
        const committed = () => broker().committed(group, topic, 0);
        const source = openSource(group);
        await source.commit(0, 4);
        const follower = follow(source, 0, 0);
        expect(await follower.until(4)).toEqual(range(0, 4));
        await source.commit(0, -1);
        expect(await committed()).toBe(0);
        await broker().send(topic, 0, storedEvents(3, 2).map(recordOf));
        await mirrored(storedEvents(5, 2));
        expect(await follower.until(6)).toEqual([5, 6]);
        await source.commit(0, 6);
        expect(await committed()).toBe(9);
        await source.commit(1, 6);
        expect(await broker().committed(group, topic, 1)).toBe(-1);
        await follower.end();
        await source.close();

        const again = follow(openSource(group), 0, 2);
        expect(await again.until(6)).toEqual(range(2, 6));
        await again.end();
        expect(await committed()).toBe(9);
      });

      test("two members of a group share the shards, and one takes over from the other", async () => {
        await mirrored(storedEvents(0, 5, 0));
        await mirrored(storedEvents(0, 5, 1));
        const group = `group-${topic}`;
        const [first, second] = [openSource(group), openSource(group)];
        const [firsts, seconds] = [[0, 1].map((n) => follow(first, n, 0)), [0, 1].map((n) => follow(second, n, 0))];
        const [toFirst, toSecond] = [firsts.map((one) => one.until(4)), seconds.map((one) => one.until(4))];
        const all = range(0, 4);
        expect(await Promise.all([0, 1].map((n) => Promise.race([toFirst[n], toSecond[n]])))).toEqual([all, all]);
        await Promise.all(firsts.map((follower) => follower.end()));
        await first.close();
        expect(await Promise.all(toSecond)).toEqual([all, all]);
        await Promise.all(seconds.map((follower) => follower.end()));
      });
    });
  });
}

/** An event as it is read back: its bytes are a Buffer. */
function asRead(event: StoredEvent): StoredEvent {
  return { ...event, data: Buffer.from(event.data), leaf: expect.anything() as unknown as Uint8Array };
}

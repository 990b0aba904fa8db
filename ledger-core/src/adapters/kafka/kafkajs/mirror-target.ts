import type { Producer } from "kafkajs";
import { assert, LedgerError } from "../../../domain/errors.ts";
import type { Shard } from "../../../domain/position.ts";
import type { StoredEvent } from "../../../ports/event-log.ts";
import type { MirrorEnd, MirrorTarget, MirrorWriter } from "../../../ports/mirror-target.ts";
import { type KafkaConnection, type KafkaOptions, type KafkaTuning, withDefaults } from "../connection.ts";
import { recordOf } from "../records.ts";
import { makeClient } from "./client.ts";
import { faultOf, refusal, translate } from "./errors.ts";
import { readEnd } from "./partition-end.ts";
import { checkTopic } from "./topic-check.ts";

/** Opens the mirror on a Kafka topic for writing, using kafkajs. Connects on first use. */
export function openKafkajsTarget(connection: KafkaConnection, options: KafkaOptions): MirrorTarget {
  const tuning = withDefaults(options.tuning);
  const client = makeClient(connection, tuning, options.logger);
  const { topic } = connection;
  return {
    async check(shards) {
      const admin = client.admin();
      try {
        await admin.connect();
        await checkTopic(admin, topic, shards);
      } catch (error) {
        throw translate(error, topic);
      } finally {
        await admin.disconnect();
      }
    },
    async open(shard) {
      const producer = client.producer({
        idempotent: true,
        maxInFlightRequests: 1,
        allowAutoTopicCreation: false,
        metadataMaxAge: 180_000,
      });
      try {
        await producer.connect();
        const end = await readEnd({ client, topic, shard, tuning });
        return openWriter({ producer, topic, shard, end, tuning });
      } catch (error) {
        await producer.disconnect();
        throw translate(error, topic);
      }
    },
    close: async () => undefined,
  };
}

type WriterParts = {
  readonly producer: Producer;
  readonly topic: string;
  readonly shard: Shard;
  readonly end: MirrorEnd;
  readonly tuning: Required<KafkaTuning>;
};

function openWriter({ producer, topic, shard, end, tuning }: WriterParts): MirrorWriter {
  const { bytesMax, eventsMax } = tuning;
  let sending = false;
  /** The batch whose outcome is unknown. The broker would acknowledge a different batch without storing it. */
  let unknown: readonly StoredEvent[] | undefined;

  async function append(events: readonly StoredEvent[]): Promise<void> {
    assert(!sending, "one send in flight per partition");
    assert(unknown === undefined || unknown === events, "after an unknown outcome, only the identical batch");
    sending = true;
    try {
      const messages = events.map((event) => ({ ...recordOf(event), partition: shard }));
      const [reply] = await producer.send({ topic, acks: -1, messages });
      checkReply(events, reply?.baseOffset);
      unknown = undefined;
    } catch (error) {
      unknown = events;
      throw sendFault(error);
    } finally {
      sending = false;
    }
  }

  /** No reply means nothing was sent. An offset below the revision means the topic was recreated meanwhile. */
  function checkReply(events: readonly StoredEvent[], baseOffset: string | undefined): void {
    if (baseOffset === undefined) throw refusal(`topic ${topic} has no partition ${shard}`);
    if (Number(baseOffset) < (events[0]?.revision ?? 0))
      throw new LedgerError(
        "broker_unavailable",
        `topic ${topic} was created again: partition ${shard} is mirrored again`,
      );
  }

  function sendFault(error: unknown): LedgerError {
    if (error instanceof LedgerError || faultOf(error) !== "passes") return translate(error, topic);
    const fault = translate(error, topic);
    return new LedgerError("outcome_unknown", fault.message, { retryable: true, cause: error });
  }

  return { end, bytesMax, eventsMax, append, close: () => producer.disconnect() };
}

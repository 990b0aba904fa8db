import { assert, LedgerError } from "../../domain/errors.ts";
import type { Shard } from "../../domain/position.ts";
import type { StoredEvent } from "../../ports/event-log.ts";
import type { MirrorEnd, MirrorTarget, MirrorWriter } from "../../ports/mirror-target.ts";
import type { RecordSender } from "./client.ts";
import type { KafkaConnection, KafkaOptions, KafkaTuning } from "./connection.ts";
import { type KafkaFault, refusal, translate } from "./errors.ts";
import { openClient } from "./open-client.ts";
import { readEnd } from "./partition-end.ts";
import { recordOf } from "./records.ts";
import { checkTopic } from "./topic-check.ts";

/** Opens the mirror on a Kafka topic for writing. Connects on first use. */
export function openMirrorTarget(connection: KafkaConnection, options: KafkaOptions): MirrorTarget {
  const { topic } = connection;
  const { tuning, loaded, faultOf } = openClient(connection, options);
  return {
    async check(shards) {
      try {
        const client = await loaded();
        checkTopic(topic, await client.describeTopic(), shards);
      } catch (error) {
        throw translate(error, topic, faultOf);
      }
    },
    async open(shard) {
      let sender: RecordSender | undefined;
      try {
        const client = await loaded();
        sender = await client.openSender(shard);
        const end = await readEnd({ client, topic, shard, tuning });
        return openWriter({ sender, topic, shard, end, tuning, faultOf });
      } catch (error) {
        await sender?.close();
        throw translate(error, topic, faultOf);
      }
    },
    close: async () => undefined,
  };
}

type WriterParts = {
  readonly sender: RecordSender;
  readonly topic: string;
  readonly shard: Shard;
  readonly end: MirrorEnd;
  readonly tuning: Required<KafkaTuning>;
  readonly faultOf: (error: unknown) => KafkaFault;
};

function openWriter({ sender, topic, shard, end, tuning, faultOf }: WriterParts): MirrorWriter {
  const { bytesMax, eventsMax } = tuning;
  let sending = false;
  /** The batch whose outcome is unknown. The broker would acknowledge a different batch without storing it. */
  let unknown: readonly StoredEvent[] | undefined;

  async function append(events: readonly StoredEvent[]): Promise<void> {
    assert(!sending, "one send in flight per partition");
    assert(unknown === undefined || unknown === events, "after an unknown outcome, only the identical batch");
    sending = true;
    try {
      checkReply(events, await sender.send(events.map(recordOf)));
      unknown = undefined;
    } catch (error) {
      unknown = events;
      throw sendFault(error);
    } finally {
      sending = false;
    }
  }

  /** No reply means nothing was sent. An offset below the revision means the topic was recreated meanwhile. */
  function checkReply(events: readonly StoredEvent[], baseOffset: number | undefined): void {
    if (baseOffset === undefined) throw refusal(`topic ${topic} has no partition ${shard}`);
    if (baseOffset < (events[0]?.revision ?? 0))
      throw new LedgerError(
        "broker_unavailable",
        `topic ${topic} was created again: partition ${shard} is mirrored again`,
      );
  }

  function sendFault(error: unknown): LedgerError {
    const fault = translate(error, topic, faultOf);
    if (fault === error || faultOf(error).kind !== "passes") return fault;
    return new LedgerError("outcome_unknown", fault.message, { retryable: true, cause: error });
  }

  return { end, bytesMax, eventsMax, append, close: () => sender.close() };
}

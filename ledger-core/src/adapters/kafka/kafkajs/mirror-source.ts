import { randomUUID } from "node:crypto";
import type { KafkaMessage } from "kafkajs";
import { LedgerError } from "../../../domain/errors.ts";
import type { Revision, Shard } from "../../../domain/position.ts";
import type { Delivery, StoredEvent } from "../../../ports/event-log.ts";
import type { MirrorSource } from "../../../ports/mirror-source.ts";
import { type KafkaConnection, type KafkaOptions, withDefaults } from "../connection.ts";
import { eventOf } from "../records.ts";
import { makeClient } from "./client.ts";
import { translate } from "./errors.ts";
import { boundsOf, readRange } from "./partition-end.ts";
import { openPartitionReader, type PartitionReader } from "./partition-reader.ts";
import { received } from "./received.ts";

export type SourceOptions = KafkaOptions & {
  /**
   * Processes of one group share the shards; use it for processes that write to one store. Default: a unique group,
   * which reads every shard.
   */
  readonly group?: string;
};

/** Opens the mirror on a Kafka topic for reading, using kafkajs. Connects on first use. */
export function openKafkajsSource(connection: KafkaConnection, options: SourceOptions): MirrorSource {
  const { logger, group = `payledger-${randomUUID()}` } = options;
  const tuning = withDefaults(options.tuning);
  const client = makeClient(connection, tuning, logger);
  const { topic } = connection;
  /** Shared by all subscriptions until it fails; the next subscription opens a new one. */
  let shared: PartitionReader | undefined;

  async function* subscribe(shard: Shard, from: Revision, signal: AbortSignal): AsyncGenerator<Delivery> {
    try {
      const { low, high } = await boundsOf({ client, topic, shard });
      if (low === high && high > from) throw expired(shard, from);
      const sequence = inSequence(shard, from, low);
      // An event's offset is never below its revision.
      const start = Math.max(low, Math.min(from, high));
      shared ??= openPartitionReader({ client, topic, group, tuning });
      if (start >= high) yield { kind: "caught_up", head: from - 1 };
      for await (const fetched of shared.read(shard, start, signal)) {
        const { events, foreign, fault } = sequence.take(fetched.messages);
        if (foreign > 0) logger.warn({ shard, foreign, topic }, "records of other writers in the mirror");
        if (events.length > 0) yield { kind: "events", events };
        if (fault) throw fault;
        if (Number(fetched.messages.at(-1)?.offset) + 1 >= fetched.high)
          yield { kind: "caught_up", head: sequence.next() - 1 };
      }
    } catch (error) {
      const fault = translate(error, topic);
      if (fault.code === "broker_unavailable" && shared) {
        const failed = shared;
        shared = undefined;
        await failed.close();
      }
      throw fault;
    }
  }

  return {
    subscribe,
    async *records(shard) {
      try {
        const { low, high } = await boundsOf({ client, topic, shard });
        for await (const messages of readRange({ client, topic, shard, tuning }, low, high))
          yield messages.map((message) => ({
            offset: Number(message.offset),
            event: eventOf(shard, received(message)),
          }));
      } catch (error) {
        throw translate(error, topic);
      }
    },
    close: async () => shared?.close(),
  };
}

function expired(shard: Shard, from: Revision): LedgerError {
  return new LedgerError("behind_retention", `the mirror no longer holds ${shard}:${from}`, {
    position: { shard, revision: from },
  });
}

/** Selects the next events from records: drops repeats and foreign records, and refuses a gap. */
function inSequence(shard: Shard, from: Revision, low: number) {
  let next = from;
  /** Whether all records since an offset at or below `next` were read, so that a missing revision is truly missing. */
  let whole = low <= from;
  let offset = Math.max(low, from);

  function gap(found: Revision): LedgerError {
    if (!whole) return expired(shard, next);
    return new LedgerError("revision_gap", `the mirror has ${shard}:${found} where ${next} should follow`, {
      position: { shard, revision: next },
    });
  }

  return {
    next: () => next,
    /** Returns the events that follow, and the fault that ends them. */
    take(messages: readonly KafkaMessage[]) {
      const first = Number(messages[0]?.offset);
      // Records expired while we read, or the topic was recreated.
      if (first > offset) whole = false;
      else if (first < offset) whole = first <= next;
      offset = Number(messages.at(-1)?.offset) + 1;
      const events: StoredEvent[] = [];
      let foreign = 0;
      for (const message of messages) {
        const event = eventOf(shard, received(message));
        if (!event) foreign++;
        else if (event.revision > next) return { events, foreign, fault: gap(event.revision) };
        else if (event.revision === next) {
          events.push(event);
          next++;
          whole = true;
        }
      }
      return { events, foreign, fault: undefined };
    },
  };
}

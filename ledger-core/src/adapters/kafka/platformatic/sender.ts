import { type API, Base, type Connection, kGetApi, NumericMap } from "@platformatic/kafka";
import type { Shard } from "../../../domain/position.ts";
import type { RecordSender } from "../client.ts";
import type { EventRecord } from "../records.ts";
import { attempts, type ClientSettings, closeClient, guarded } from "./settings.ts";
import { within } from "./within.ts";

/** Sequence numbers are 31 bits, and begin again at 0. */
const SEQUENCES = 2 ** 31;
const ALL_REPLICAS = -1;

type InitProducerId = API<
  [transactionalId: undefined, timeoutMs: number],
  { readonly producerId: bigint; readonly producerEpoch: number }
>;
type Produce = API<
  [
    acks: number,
    timeoutMs: number,
    messages: ReturnType<typeof messageOf>[],
    options: { producerId: bigint; producerEpoch: number; sequences: NumericMap },
  ],
  | boolean
  | { readonly responses: readonly { readonly partitionResponses: readonly { readonly baseOffset: bigint }[] }[] }
>;

/**
 * Sends with the client's protocol calls instead of its Producer, which forgets its sequence numbers after a failed
 * send, so that a batch whose answer was lost is stored twice, and which sends a record for a missing partition to
 * another partition.
 */
export async function openSender(settings: ClientSettings, partition: Shard): Promise<RecordSender> {
  const { options, topic, tuning, limitMs } = settings;
  const client = guarded(new Base(options));
  const { requestTimeoutMs } = tuning;
  const key = `${topic}:${partition}`;
  let sequence = 0;

  async function leader(): Promise<Connection | undefined> {
    const { topics, brokers } = await client.metadata({ topics: [topic] });
    const placed = topics.get(topic)?.partitions[partition];
    if (!placed) return undefined;
    const broker = brokers.get(placed.leader);
    if (!broker) throw new Error(`partition ${partition} has no leader now`);
    return client.connections.get(broker);
  }

  async function start() {
    const connection = await leader();
    if (!connection) return undefined;
    const initProducerId = await apiOf<InitProducerId>(client, "InitProducerId");
    return initProducerId.async(connection, undefined, requestTimeoutMs);
  }

  async function send(records: readonly EventRecord[], { producerId, producerEpoch }: NonNullable<typeof producer>) {
    const connection = await leader();
    if (!connection) return undefined;
    const produce = await apiOf<Produce>(client, "Produce");
    const messages = records.map((record) => messageOf(record, topic, partition));
    const sequences = new NumericMap([[key, sequence]]);
    const ids = { producerId, producerEpoch, sequences };
    const reply = await produce.async(connection, ALL_REPLICAS, requestTimeoutMs, messages, ids);
    sequence = (sequence + records.length) % SEQUENCES;
    return typeof reply === "boolean" ? undefined : reply.responses[0]?.partitionResponses[0]?.baseOffset;
  }

  const close = () => closeClient(client);
  const producer = await attempts(settings, start).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return {
    async send(records) {
      if (!producer) return undefined;
      try {
        const offset = await within(limitMs, send(records, producer));
        return offset === undefined ? undefined : Number(offset);
      } catch (error) {
        client.clearMetadata();
        throw error;
      }
    },
    close,
  };
}

/** The newest version of a call that both the client and the broker know. */
function apiOf<A extends API<never, unknown>>(client: Base, name: string): Promise<A> {
  return new Promise((resolve, reject) => {
    client[kGetApi](name, (error, api) => {
      if (error || !api) reject(error ?? new Error(`the broker has no ${name}`));
      else resolve(api as unknown as A);
    });
  });
}

function messageOf({ key, value, headers }: EventRecord, topic: string, partition: Shard) {
  const pairs = Object.entries(headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)] as const);
  return { topic, partition, key: Buffer.from(key), value, headers: new Map(pairs) };
}

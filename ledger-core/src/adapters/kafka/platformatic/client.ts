import { Admin, ConfigResourceTypes, ListOffsetTimestamps } from "@platformatic/kafka";
import type { Shard } from "../../../domain/position.ts";
import type { KafkaClient, PartitionBounds } from "../client.ts";
import type { KafkaConnection, KafkaTuning } from "../connection.ts";
import { faultOf } from "./errors.ts";
import { openPartitionReader } from "./partition-reader.ts";
import { openSender } from "./sender.ts";
import { attempts, closeClient, guarded, settingsOf } from "./settings.ts";

/** Opens @platformatic/kafka, which has no log of its own: faults reach ours by the errors it throws. */
export function openPlatformatic(connection: KafkaConnection, tuning: Required<KafkaTuning>): KafkaClient {
  const settings = settingsOf(connection, tuning);
  const { topic, options } = settings;

  const asAdmin = <T>(ask: (admin: Admin) => Promise<T>): Promise<T> =>
    attempts(settings, async () => {
      const admin = guarded(new Admin(options));
      try {
        return await ask(admin);
      } finally {
        await closeClient(admin);
      }
    });

  const boundsOf = (shard: Shard) => asAdmin((admin) => boundsBy(admin, topic, shard));
  const startOf = async (shard: Shard) => (await boundsOf(shard))?.low ?? 0;
  const openReader = (group?: string) => openPartitionReader({ settings, group, startOf });
  return {
    faultOf,
    boundsOf,
    openReader,
    openRangeReader: () => openReader(),
    openSender: (shard) => openSender(settings, shard),
    describeTopic: () =>
      asAdmin(async (admin) => {
        if (!(await admin.listTopics()).includes(topic)) return undefined;
        const { topics } = await admin.metadata({ topics: [topic] });
        const partitions = topics.get(topic)?.partitionsCount;
        return partitions === undefined ? undefined : { partitions, config: await configOf(admin, topic) };
      }),
  };
}

async function boundsBy(admin: Admin, topic: string, shard: Shard): Promise<PartitionBounds | undefined> {
  const { topics } = await admin.metadata({ topics: [topic] });
  if (!topics.get(topic)?.partitions[shard]) return undefined;
  const offsetAt = async (timestamp: bigint) => {
    const partitions = [{ partitionIndex: shard, timestamp }];
    const [listed] = await admin.listOffsets({ topics: [{ name: topic, partitions }] });
    const offset = listed?.partitions[0]?.offset;
    if (offset === undefined) throw new Error(`the broker lists no offset of partition ${shard}`);
    return Number(offset);
  };
  return { low: await offsetAt(ListOffsetTimestamps.EARLIEST), high: await offsetAt(ListOffsetTimestamps.LATEST) };
}

async function configOf(admin: Admin, topic: string): Promise<ReadonlyMap<string, string>> {
  const resources = [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: topic }];
  const described = await admin.describeConfigs({ resources }).catch(() => []);
  const configs = described[0]?.configs ?? [];
  return new Map(configs.map(({ name, value }) => [name, value ?? ""]));
}

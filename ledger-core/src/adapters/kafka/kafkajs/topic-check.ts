import type { Admin } from "kafkajs";
import type { Shard } from "../../../domain/position.ts";
import { refusal } from "./errors.ts";

/** An event has at most 512 KiB; with its headers it must fit into a message. */
const MESSAGE_MIN = 600_000;
const DAY_MS = 86_400_000;
/** kafkajs exports the enumeration, but not so that Node finds it by name. */
const TOPIC = 2;

/** Every reason why the topic cannot mirror these shards, in one error. @throws mirror_refused */
export async function checkTopic(admin: Admin, topic: string, shards: readonly Shard[]): Promise<void> {
  const partitions = await partitionsOf(admin, topic);
  if (partitions === undefined)
    throw refusal(`topic ${topic} does not exist on the broker; create it with a partition per shard`);
  const faults: string[] = [];
  const needed = Math.max(...shards) + 1;
  if (partitions < needed) faults.push(`it has ${partitions} partitions, and the ledger ${needed} shards`);
  const config = await configOf(admin, topic);
  const policy = config.get("cleanup.policy");
  if (policy !== undefined && policy !== "delete") faults.push(`its cleanup.policy is ${policy} and must be delete`);
  const retentionMs = Number(config.get("retention.ms") ?? -1);
  if (retentionMs >= 0 && retentionMs < DAY_MS)
    faults.push(`it keeps records for ${retentionMs} ms (retention.ms) and should for a day at least`);
  const size = Number(config.get("max.message.bytes") ?? MESSAGE_MIN);
  if (size < MESSAGE_MIN)
    faults.push(`it takes messages of ${size} bytes (max.message.bytes), and an event may need ${MESSAGE_MIN}`);
  if (faults.length > 0) throw refusal(`topic ${topic} cannot mirror the log: ${faults.join("; ")}`);
}

/** Undefined for a topic that does not exist. */
async function partitionsOf(admin: Admin, topic: string): Promise<number | undefined> {
  if (!(await admin.listTopics()).includes(topic)) return undefined;
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  return topics[0]?.partitions.length;
}

/** Empty where the broker does not tell, as Event Hubs with some policies. */
async function configOf(admin: Admin, topic: string): Promise<ReadonlyMap<string, string>> {
  const resources = [{ type: TOPIC, name: topic }];
  const answer = await admin.describeConfigs({ resources, includeSynonyms: false }).catch(() => undefined);
  const entries = answer?.resources[0]?.configEntries ?? [];
  return new Map(entries.map(({ configName, configValue }) => [configName, configValue]));
}

import type { Admin } from "kafkajs";
import type { Shard } from "../../../domain/position.ts";
import { refusal } from "./errors.ts";

/** An event has at most 512 KiB, and its headers must fit too. */
const MESSAGE_MIN = 600_000;
const DAY_MS = 86_400_000;
/** kafkajs exports the enum, but Node cannot import it by name. */
const TOPIC = 2;

/** Checks that the topic can mirror these shards. @throws mirror_refused, naming every fault */
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

/** Undefined if the topic does not exist. */
async function partitionsOf(admin: Admin, topic: string): Promise<number | undefined> {
  if (!(await admin.listTopics()).includes(topic)) return undefined;
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  return topics[0]?.partitions.length;
}

/** Empty if the broker does not report it, as Event Hubs under some policies. */
async function configOf(admin: Admin, topic: string): Promise<ReadonlyMap<string, string>> {
  const resources = [{ type: TOPIC, name: topic }];
  const answer = await admin.describeConfigs({ resources, includeSynonyms: false }).catch(() => undefined);
  const entries = answer?.resources[0]?.configEntries ?? [];
  return new Map(entries.map(({ configName, configValue }) => [configName, configValue]));
}

import type { Shard } from "../../domain/position.ts";
import type { TopicDescription } from "./client.ts";
import { refusal } from "./errors.ts";

/** An event has at most 512 KiB, and its headers must fit too. */
const MESSAGE_MIN = 600_000;
const DAY_MS = 86_400_000;

/** Checks that the topic can mirror these shards. @throws mirror_refused, naming every fault */
export function checkTopic(topic: string, described: TopicDescription | undefined, shards: readonly Shard[]): void {
  if (described === undefined)
    throw refusal(`topic ${topic} does not exist on the broker; create it with a partition per shard`);
  const { partitions, config } = described;
  const faults: string[] = [];
  const needed = Math.max(...shards) + 1;
  if (partitions < needed) faults.push(`it has ${partitions} partitions, and the ledger ${needed} shards`);
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

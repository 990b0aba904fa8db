import type { MirrorSource } from "../../ports/mirror-source.ts";
import type { MirrorTarget } from "../../ports/mirror-target.ts";
import type { KafkaConnection, KafkaOptions } from "./connection.ts";
import { openKafkajsSource, type SourceOptions } from "./kafkajs/mirror-source.ts";
import { openKafkajsTarget } from "./kafkajs/mirror-target.ts";

/** The mirror on a Kafka topic, to write. */
export function openMirrorTarget(connection: KafkaConnection, options: KafkaOptions): MirrorTarget {
  return openKafkajsTarget(connection, options);
}

/** The mirror on a Kafka topic, to read. */
export function openMirrorSource(connection: KafkaConnection, options: SourceOptions): MirrorSource {
  return openKafkajsSource(connection, options);
}

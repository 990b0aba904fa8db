import { LedgerError } from "../../domain/errors.ts";
import type { MirrorSource } from "../../ports/mirror-source.ts";
import type { MirrorTarget } from "../../ports/mirror-target.ts";
import type { KafkaConnection, KafkaOptions } from "./connection.ts";
import { openKafkajsSource, type SourceOptions } from "./kafkajs/mirror-source.ts";
import { openKafkajsTarget } from "./kafkajs/mirror-target.ts";

/** The mirror on a Kafka topic, to write. */
export function openMirrorTarget(connection: KafkaConnection, options: KafkaOptions): MirrorTarget {
  requireKafkajs(connection);
  return openKafkajsTarget(connection, options);
}

/** The mirror on a Kafka topic, to read. */
export function openMirrorSource(connection: KafkaConnection, options: SourceOptions): MirrorSource {
  requireKafkajs(connection);
  return openKafkajsSource(connection, options);
}

function requireKafkajs({ client = "kafkajs" }: KafkaConnection): void {
  if (client !== "kafkajs") throw new LedgerError("config", `this version has no Kafka client ${client}: use kafkajs`);
}

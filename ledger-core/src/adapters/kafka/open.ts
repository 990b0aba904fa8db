import { LedgerError } from "../../domain/errors.ts";
import type { MirrorSource } from "../../ports/mirror-source.ts";
import type { MirrorTarget } from "../../ports/mirror-target.ts";
import type { KafkaConnection, KafkaOptions } from "./connection.ts";
import { openKafkajsSource, type SourceOptions } from "./kafkajs/mirror-source.ts";
import { openKafkajsTarget } from "./kafkajs/mirror-target.ts";

/** Opens the mirror on a Kafka topic for writing. */
export function openMirrorTarget(connection: KafkaConnection, options: KafkaOptions): MirrorTarget {
  requireKafkajs(connection);
  return openKafkajsTarget(connection, options);
}

/** Opens the mirror on a Kafka topic for reading. */
export function openMirrorSource(connection: KafkaConnection, options: SourceOptions): MirrorSource {
  requireKafkajs(connection);
  return openKafkajsSource(connection, options);
}

function requireKafkajs({ client = "kafkajs" }: KafkaConnection): void {
  if (client !== "kafkajs") throw new LedgerError("config", `this version has no Kafka client ${client}: use kafkajs`);
}

import type { KafkaClient } from "./client.ts";
import { type KafkaConnection, type KafkaOptions, withDefaults } from "./connection.ts";
import type { KafkaFault } from "./errors.ts";

/** Loads the configured client library on first use, so that a process never loads the other one. */
export function openClient(connection: KafkaConnection, { logger, tuning: own }: KafkaOptions) {
  const tuning = withDefaults(own);
  let loading: Promise<KafkaClient> | undefined;
  let client: KafkaClient | undefined;

  async function load(): Promise<KafkaClient> {
    const { client: name = "kafkajs" } = connection;
    switch (name) {
      case "kafkajs": {
        const { openKafkajs } = await import("./kafkajs/client.ts");
        client = openKafkajs(connection, tuning, logger);
        break;
      }
      case "platformatic": {
        const { openPlatformatic } = await import("./platformatic/client.ts");
        client = openPlatformatic(connection, tuning);
        break;
      }
      default:
        return name satisfies never;
    }
    return client;
  }

  return {
    tuning,
    loaded: () => (loading ??= load()),
    faultOf: (error: unknown): KafkaFault => client?.faultOf(error) ?? { kind: "passes", message: String(error) },
  };
}

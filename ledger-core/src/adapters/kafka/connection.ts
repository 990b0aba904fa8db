import type { Logger } from "../../process/log.ts";

/** A broker and the topic that mirrors the log. No message ever contains names or passwords. */
export type KafkaConnection = {
  /** `host:port` of each bootstrap broker; Event Hubs has one: `<namespace>.servicebus.windows.net:9093`. */
  readonly brokers: readonly string[];
  readonly topic: string;
  /** The client library. Default kafkajs. */
  readonly client?: KafkaClientName;
  /** `ca` is PEM; without it, the system's authorities are trusted. */
  readonly tls?: { readonly ca?: string };
  /** SASL PLAIN; the user name of Event Hubs is the literal `$ConnectionString`. */
  readonly sasl?: { readonly username: string; readonly password: { reveal(): string } };
};

export const kafkaClientNames = ["kafkajs", "platformatic"] as const;
export type KafkaClientName = (typeof kafkaClientNames)[number];

/** Each field states its default; the times are Event Hubs' recommendations. */
export type KafkaTuning = {
  /** Request timeout, in ms. 1,000 to 120,000. Default 60,000. */
  readonly requestTimeoutMs?: number;
  /** Connect timeout, in ms. 100 to 60,000. Default 10,000. */
  readonly connectionTimeoutMs?: number;
  /** How often the client retries a request before it reports a failure. 1 to 10. Default 3. */
  readonly clientRetries?: number;
  /** The first pause between these retries, doubled each time up to ten times, in ms. 10 to 10,000. Default 100. */
  readonly clientPauseMs?: number;
  /** Session timeout of a consumer group member, in ms. 6,000 to 300,000. Default 30,000. */
  readonly sessionTimeoutMs?: number;
  /** How long a fetch waits for new records, in ms. 1 to 5,000. Default 500. */
  readonly fetchWaitMs?: number;
  /** The most events in a batch: 200 to 500 are fastest. 1 to 5,000. Default 400. */
  readonly eventsMax?: number;
  /** The most bytes in a batch; Event Hubs takes 1,046,528 in a request. 10,000 to 1,000,000. Default 1,000,000. */
  readonly bytesMax?: number;
};

export type KafkaOptions = { readonly logger: Logger; readonly tuning?: KafkaTuning };

export function withDefaults(tuning: KafkaTuning = {}): Required<KafkaTuning> {
  return {
    requestTimeoutMs: 60_000,
    connectionTimeoutMs: 10_000,
    clientRetries: 3,
    clientPauseMs: 100,
    sessionTimeoutMs: 30_000,
    fetchWaitMs: 500,
    eventsMax: 400,
    bytesMax: 1_000_000,
    ...tuning,
  };
}

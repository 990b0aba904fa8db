import { isIP } from "node:net";
import { type BaseOptions, type ConnectionPool, loggers, SASLMechanisms } from "@platformatic/kafka";
import type { KafkaConnection, KafkaTuning } from "../connection.ts";
import { faultOf } from "./errors.ts";
import { within } from "./within.ts";

/** How long a client may take to say goodbye, in ms. */
const CLOSE_MS = 5000;

export type ClientSettings = {
  readonly options: BaseOptions;
  readonly topic: string;
  readonly tuning: Required<KafkaTuning>;
  /** The most time that one call of the client may take. */
  readonly limitMs: number;
};

export function settingsOf(
  { brokers, topic, tls, sasl }: KafkaConnection,
  tuning: Required<KafkaTuning>,
): ClientSettings {
  const { requestTimeoutMs, connectionTimeoutMs, clientPauseMs } = tuning;
  // Its debug output prints the beginnings of requests, which may be a part of the password.
  for (const logger of Object.values(loggers)) logger.enabled = false;
  const options: BaseOptions = {
    clientId: "payledger",
    bootstrapBrokers: [...brokers],
    timeout: requestTimeoutMs,
    requestTimeout: requestTimeoutMs,
    connectTimeout: connectionTimeoutMs,
    // It would retry a wrong password too; `attempts` does not.
    retries: 0,
    retryDelay: clientPauseMs,
    metadataMaxAge: 180_000,
    autocreateTopics: false,
    ...(tls && { tls: tls.ca === undefined ? {} : { ca: tls.ca } }),
    // Without it, TLS sends no server name, which Event Hubs needs; an address is never sent as a name.
    tlsServerName: !brokers.some((broker) => isIP(broker.replace(/:\d+$/, "")) > 0),
    ...(sasl && {
      sasl: { mechanism: SASLMechanisms.PLAIN, username: sasl.username, password: sasl.password.reveal() },
    }),
  };
  return { options, topic, tuning, limitMs: 2 * (requestTimeoutMs + connectionTimeoutMs) };
}

/** Repeats a call while the broker is away: not one that it refuses. */
export async function attempts<T>({ tuning, limitMs }: ClientSettings, call: () => Promise<T>): Promise<T> {
  const { clientRetries, clientPauseMs } = tuning;
  for (let attempt = 0; ; attempt++) {
    try {
      return await within(limitMs, call());
    } catch (error) {
      if (attempt >= clientRetries || faultOf(error).kind !== "passes") throw error;
      await new Promise((resolve) => setTimeout(resolve, clientPauseMs * Math.min(10, 2 ** attempt)));
    }
  }
}

/**
 * A second error of the same connection has no listener of the client, and would end the process: the first one has
 * failed the call already.
 */
export function guarded<C extends { readonly connections: ConnectionPool }>(client: C): C {
  client.connections.on("connecting", ({ connection }) => connection.on("error", () => undefined));
  return client;
}

/** Closes a client. One that cannot say goodbye is abandoned; its sockets end with their own timers. */
export async function closeClient(client: { close(): Promise<void> }): Promise<void> {
  await within(CLOSE_MS, client.close()).catch(() => undefined);
}

import { Kafka, logLevel } from "kafkajs";
import type { Logger } from "../../../process/log.ts";
import type { KafkaConnection, KafkaTuning } from "../connection.ts";
import { mendIdleTimers } from "./idle-timers.ts";

/** Makes a kafkajs client. Logs one level lower than kafkajs, which calls faults errors that its retries fix. */
export function makeClient(
  { brokers, tls, sasl }: KafkaConnection,
  { requestTimeoutMs, connectionTimeoutMs, clientPauseMs, clientRetries }: Required<KafkaTuning>,
  logger: Logger,
): Kafka {
  mendIdleTimers();
  return new Kafka({
    clientId: "payledger",
    brokers: [...brokers],
    requestTimeout: requestTimeoutMs,
    connectionTimeout: connectionTimeoutMs,
    authenticationTimeout: connectionTimeoutMs,
    // On the client, not the producer: reconnecting uses the client's setting.
    retry: { retries: clientRetries, initialRetryTime: clientPauseMs, maxRetryTime: 10 * clientPauseMs },
    ...(tls && { ssl: tls.ca === undefined ? true : { ca: tls.ca } }),
    ...(sasl && { sasl: { mechanism: "plain", username: sasl.username, password: sasl.password.reveal() } }),
    logLevel: logLevel.INFO,
    logCreator: () => (entry) => {
      const { namespace, log } = entry;
      const about = { kafkajs: namespace };
      if (entry.level === logLevel.ERROR) logger.info(about, log.message);
      else logger.debug(about, log.message);
    },
  });
}

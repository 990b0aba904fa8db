import type { KafkaMessage } from "kafkajs";
import type { ReceivedRecord } from "../records.ts";

export function received({ offset, value, headers }: KafkaMessage): ReceivedRecord {
  return {
    offset: Number(offset),
    value,
    header(name) {
      const header = headers?.[name];
      return header === undefined || Array.isArray(header) ? undefined : header.toString();
    },
  };
}

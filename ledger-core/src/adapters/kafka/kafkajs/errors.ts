import { faultKind, type KafkaFault } from "../errors.ts";

/** kafkajs wraps errors in errors; only the innermost has the reason. */
export function faultOf(error: unknown): KafkaFault {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error && inner.cause !== inner) inner = inner.cause;
  const { name, message } = inner instanceof Error ? inner : { name: "", message: String(inner) };
  const type = typeof inner === "object" && inner !== null && "type" in inner ? String(inner.type) : "";
  return { kind: name === "KafkaJSSASLAuthenticationError" ? "refused" : faultKind([type], message), message };
}

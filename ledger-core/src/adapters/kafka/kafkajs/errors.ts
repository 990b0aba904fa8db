import { LedgerError } from "../../../domain/errors.ts";

/** How the mirror treats a fault of the client. */
export type KafkaFault = "passes" | "refused" | "missing_topic" | "too_large";

/** kafkajs wraps errors in errors; only the innermost has the reason. */
function innermost(error: unknown): { readonly name: string; readonly type: string; readonly message: string } {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error && inner.cause !== inner) inner = inner.cause;
  const { name, message } = inner instanceof Error ? inner : { name: "", message: String(inner) };
  const type = typeof inner === "object" && inner !== null && "type" in inner ? String(inner.type) : "";
  return { name, type, message };
}

const refusals = new Set([
  "SASL_AUTHENTICATION_FAILED",
  "TOPIC_AUTHORIZATION_FAILED",
  "GROUP_AUTHORIZATION_FAILED",
  "CLUSTER_AUTHORIZATION_FAILED",
  "UNSUPPORTED_SASL_MECHANISM",
]);
const certificateFault = /certificate|self.signed|altname|unable to verify|wrong version number|SSL routines/i;

export function faultOf(error: unknown): KafkaFault {
  const { name, type, message } = innermost(error);
  if (name === "KafkaJSSASLAuthenticationError" || refusals.has(type)) return "refused";
  if (certificateFault.test(message)) return "refused";
  if (type === "UNKNOWN_TOPIC_OR_PARTITION") return "missing_topic";
  if (type === "MESSAGE_TOO_LARGE" || type === "RECORD_LIST_TOO_LARGE") return "too_large";
  return "passes";
}

/** The operating error for a fault outside a send; nothing was sent. */
export function translate(error: unknown, topic: string): LedgerError {
  if (error instanceof LedgerError) return error;
  const { message } = innermost(error);
  const fault = faultOf(error);
  switch (fault) {
    case "refused":
      return refusal(`the broker refuses us: ${message}; check its TLS settings, user name and password`, error);
    case "missing_topic":
      return refusal(`topic ${topic} does not exist on the broker; create it with a partition per shard`, error);
    case "too_large":
      return refusal(`topic ${topic} refuses the size of a batch: ${message}; raise its max.message.bytes`, error);
    case "passes":
      return new LedgerError("broker_unavailable", `the broker cannot be reached: ${message}`, {
        retryable: true,
        cause: error,
      });
    default:
      return fault satisfies never;
  }
}

export function refusal(message: string, cause?: unknown): LedgerError {
  return new LedgerError("mirror_refused", message, { cause });
}

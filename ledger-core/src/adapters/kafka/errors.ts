import { LedgerError } from "../../domain/errors.ts";

/**
 * How the mirror treats an error of a client. `passes`: the broker is away, and an earlier send may have arrived;
 * `restart`: the producer is of no more use, and a new one starts at the partition's end.
 */
export type KafkaFault = {
  readonly kind: "passes" | "restart" | "refused" | "missing_topic" | "too_large";
  readonly message: string;
};

/** Classifies an error by the names that the Kafka protocol gives to errors, and by the text of TLS errors. */
export function faultKind(protocolErrors: readonly string[], message: string): KafkaFault["kind"] {
  const any = (names: readonly string[]) => protocolErrors.some((name) => names.includes(name));
  if (any(refusals) || tlsFault.test(message)) return "refused";
  if (any(["UNKNOWN_TOPIC_OR_PARTITION"])) return "missing_topic";
  if (any(["MESSAGE_TOO_LARGE", "RECORD_LIST_TOO_LARGE"])) return "too_large";
  if (any(lostProducers)) return "restart";
  return "passes";
}

const refusals = [
  "SASL_AUTHENTICATION_FAILED",
  "TOPIC_AUTHORIZATION_FAILED",
  "GROUP_AUTHORIZATION_FAILED",
  "CLUSTER_AUTHORIZATION_FAILED",
  "UNSUPPORTED_SASL_MECHANISM",
  "ILLEGAL_SASL_STATE",
];
const lostProducers = [
  "OUT_OF_ORDER_SEQUENCE_NUMBER",
  "DUPLICATE_SEQUENCE_NUMBER",
  "UNKNOWN_PRODUCER_ID",
  "INVALID_PRODUCER_EPOCH",
  "PRODUCER_FENCED",
  "INVALID_PRODUCER_ID_MAPPING",
];
/** A broker that does not speak TLS closes the connection during the handshake. */
const tlsFault = /certificate|self.signed|altname|unable to verify|wrong version number|SSL routines|secure TLS/i;

/** The operating error for a fault outside a send; nothing was sent. */
export function translate(error: unknown, topic: string, faultOf: (error: unknown) => KafkaFault): LedgerError {
  if (error instanceof LedgerError) return error;
  const { kind, message } = faultOf(error);
  switch (kind) {
    case "refused":
      return refusal(`the broker refuses us: ${message}; check its TLS settings, user name and password`, error);
    case "missing_topic":
      return refusal(`topic ${topic} does not exist on the broker; create it with a partition per shard`, error);
    case "too_large":
      return refusal(`topic ${topic} refuses the size of a batch: ${message}; raise its max.message.bytes`, error);
    case "restart":
      return new LedgerError("broker_unavailable", `the broker does not know our producer: ${message}`, {
        retryable: true,
        cause: error,
      });
    case "passes":
      return new LedgerError(
        "broker_unavailable",
        `the broker cannot be reached: ${message}; if it runs, check its address, TLS and user name`,
        { retryable: true, cause: error },
      );
    default:
      return kind satisfies never;
  }
}

export function refusal(message: string, cause?: unknown): LedgerError {
  return new LedgerError("mirror_refused", message, { cause });
}

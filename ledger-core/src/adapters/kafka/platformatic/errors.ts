import { faultKind, type KafkaFault } from "../errors.ts";

/**
 * The client wraps errors in errors and lists of errors, one per attempt. The last one at the bottom has the reason; an
 * unknown topic has no protocol error, only a text.
 */
export function faultOf(error: unknown): KafkaFault {
  const reasons = [...reasonsOf(error)];
  const protocolErrors = reasons.flatMap((reason) => ("apiId" in reason ? [String(reason.apiId)] : []));
  const message = reasons.at(-1)?.message ?? String(error);
  if (reasons.some((reason) => "code" in reason && reason.code === "PLT_KFK_AUTHENTICATION"))
    return { kind: "refused", message };
  if (/^Unknown topic /.test(message)) return { kind: "missing_topic", message };
  return { kind: faultKind(protocolErrors, message), message };
}

/** Errors without inner errors, in the order of the attempts, and those that name a fault by themselves. */
function* reasonsOf(error: unknown, depth = 0): Iterable<Error> {
  if (!(error instanceof Error) || depth > 10) return;
  yield error;
  if (error instanceof AggregateError) for (const inner of error.errors) yield* reasonsOf(inner, depth + 1);
  yield* reasonsOf(error.cause, depth + 1);
}

import { type ServiceError, status } from "@grpc/grpc-js";
import { LedgerError } from "../../domain/errors.ts";
import type { NodeAddress } from "./address.ts";

/** Whether the error is a failed gRPC call. */
function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && typeof error.code === "number" && "metadata" in error;
}

/** The address of the leader, if the call failed because its node is not the leader. */
export function leaderNamedBy(error: unknown): NodeAddress | undefined {
  if (exceptionOf(error) !== "not-leader" || !isServiceError(error)) return undefined;
  const host = String(error.metadata.get("leader-endpoint-host")[0] ?? "");
  const port = Number(error.metadata.get("leader-endpoint-port")[0] ?? 0);
  return host && port ? { host, port } : undefined;
}

/** The server's name for the failure, such as not-leader or stream-deleted. */
export function exceptionOf(error: unknown): string | undefined {
  const exception = isServiceError(error) ? error.metadata?.get("exception")[0] : undefined;
  return exception?.toString();
}

export function isNotLeader(error: unknown): boolean {
  return exceptionOf(error) === "not-leader";
}

/** Whether the server refused the user or the protocol; a call refused at its start wrote nothing. */
export function isRefusal(error: unknown): boolean {
  return isServiceError(error) && refusals.has(error.code);
}

const refusals = new Set<number>([status.UNAUTHENTICATED, status.PERMISSION_DENIED, status.UNIMPLEMENTED]);

export function closedError(): LedgerError {
  return new LedgerError("log_unavailable", "the event log is closed");
}

/** For a read that ended early without an error; retryable. */
export function dropped(what: string): LedgerError {
  return new LedgerError("log_unavailable", what, { cause: new Error("ended early"), retryable: true });
}

/** Faults known only by their text, each with a sentence that says what to do. */
const connectionFaults: readonly (readonly [RegExp, string])[] = [
  [/wrong version number|packet length too long|EPROTO/, "does not speak TLS: add tls=false, or name its TLS port"],
  [
    /self.signed|unable to (verify|get)|altnames|CERT_|certificate has expired/i,
    "has a certificate that is not trusted: name its authority by tlsCAFile, and the host as the certificate does",
  ],
  [/ECONNREFUSED/, "refuses connections: nothing listens there"],
  [/ENOTFOUND|EAI_AGAIN|resolution/i, "cannot be found: the host name does not resolve"],
  [
    /HTTP status|Protocol error|GOAWAY|ECONNRESET|ECONNABORTED|socket hang up|closed|ERR_HTTP2|Last error: null/i,
    "hangs up: it does not speak EventStoreDB's protocol, or wants TLS where tls=false was given",
  ],
];

/** Failed to reach the server or to log in; nothing was written. */
export function unavailable(node: NodeAddress, error: unknown, doing: string): LedgerError {
  const what = `the event log at ${node.host}:${node.port} ${reasonOf(error)}`;
  return new LedgerError("log_unavailable", `${what} (while ${doing})`, { cause: error, retryable: true });
}

function reasonOf(error: unknown): string {
  if (!isServiceError(error)) return `cannot be used: ${error instanceof Error ? error.message : String(error)}`;
  const exception = exceptionOf(error);
  if (isNotLeader(error)) return "is not its cluster's leader";
  if (exception === "stream-deleted") return "has deleted the stream: restore it from a backup";
  switch (error.code) {
    case status.UNAUTHENTICATED:
    case status.PERMISSION_DENIED:
      return "refuses this name and password, or the user lacks the right";
    case status.UNIMPLEMENTED:
      return "is no EventStoreDB, or one that is too old: version 23.10 or later is needed";
    case status.DEADLINE_EXCEEDED:
      return "accepts connections and does not answer";
    default:
      return connectionFaults.find(([pattern]) => pattern.test(error.details))?.[1] ?? `fails: ${error.details}`;
  }
}

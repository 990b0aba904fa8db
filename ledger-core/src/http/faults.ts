import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { isLedgerError, type LedgerError, type LedgerErrorCode } from "../domain/errors.ts";
import { formatPosition } from "../domain/position.ts";
import type { ProblemCode } from "./problem-codes.ts";
import { Problem, sendProblem } from "./problems.ts";

const RETRY_AFTER_S = "1";
const PARTLY = "The first items of this bulk may be applied: repeat it under the same keys for the results of all.";

/**
 * How operating errors are answered; those not listed concern only the operator and are 500. The error's own message
 * may name a file, host or query, so it goes to the log and never into an answer.
 */
const operatingProblems: Partial<Record<LedgerErrorCode, { code: ProblemCode; detail: string; logged: boolean }>> = {
  overloaded: { code: "overloaded", detail: "Too many commands are waiting; nothing was accepted.", logged: false },
  not_ready: { code: "not_ready", detail: "The service is starting, stopping or not the writer now.", logged: false },
  log_unavailable: { code: "log_unavailable", detail: "The event log cannot be written now.", logged: true },
  revocations_unavailable: {
    code: "revocations_unavailable",
    detail: "Revoked tokens cannot be checked or kept now; nothing was accepted.",
    logged: false,
  },
  store_unavailable: { code: "store_unavailable", detail: "The data asked for cannot be read now.", logged: true },
  store_damaged: { code: "store_unavailable", detail: "The data asked for cannot be read now.", logged: true },
  row_unreadable: { code: "store_unavailable", detail: "The data asked for cannot be read now.", logged: true },
  position_not_reached: {
    code: "position_not_reached",
    detail: "The position asked for was not reached within Ledger-Wait.",
    logged: false,
  },
  state_corrupt: { code: "not_ready", detail: "The shard is not served for now.", logged: true },
  clock_unconfirmed: { code: "not_ready", detail: "The shard is not served for now.", logged: true },
  state_unavailable: { code: "not_ready", detail: "The shard is not served for now.", logged: true },
};

const frameworkProblems: Readonly<Record<string, { code: ProblemCode; detail: string }>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: { code: "body_too_large", detail: "The body is larger than this route takes." },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    code: "unsupported_media_type",
    detail: "The body must be application/json in UTF-8.",
  },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    code: "incomplete_body",
    detail: "The body has another length than Content-Length says.",
  },
  FST_ERR_BAD_URL: { code: "malformed_path", detail: "The path holds percent-encoding that cannot be read." },
  ECONNRESET: { code: "incomplete_body", detail: "The connection ended before the body did." },
};

/**
 * The one place where a thrown error becomes an answer. Errors that concern the operator are logged, and not disclosed.
 */
export function answerFault(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = toProblem(error);
  if (isLedgerError(error) && operatingProblems[error.code]?.logged) request.log.warn(about(error, request));
  // Fastify would close the connection on a body that is too large, and a client that is still writing would lose the
  // answer. Left open, Node reads and drops the rest within the request's time.
  if (problem?.code === "body_too_large") reply.removeHeader("connection");
  if (problem) return sendProblem(reply, problem, problem.headers);
  request.log.error(about(error, request));
  return sendProblem(reply, {
    code: "internal_error",
    detail: "The ledger failed to answer; the operator finds this under the instance.",
  });
}

/** A line about a fault names the request, and the position of the fault if it has one. */
function about(error: unknown, { id, method, routeOptions }: FastifyRequest): object {
  const fault = isLedgerError(error) ? error : undefined;
  const position = fault?.position && formatPosition(fault.position);
  return { err: error, code: fault?.code, position, request: id, method, route: routeOptions.url };
}

function toProblem(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error;
  if (isLedgerError(error)) return operatingProblem(error);
  const known = isFrameworkError(error) ? frameworkProblems[error.code] : undefined;
  return known && new Problem(known.code, known.detail);
}

function operatingProblem(error: LedgerError): Problem | undefined {
  const told = operatingProblems[error.code];
  if (!told) return undefined;
  const detail = error.partlyApplied ? `${told.detail} ${PARTLY}` : told.detail;
  return new Problem(told.code, detail, { headers: { "retry-after": RETRY_AFTER_S } });
}

function isFrameworkError(error: unknown): error is FastifyError {
  return error instanceof Error && "code" in error && typeof error.code === "string";
}

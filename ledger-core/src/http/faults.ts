import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { isLedgerError, type LedgerError, type LedgerErrorCode } from "../errors.ts";
import type { ProblemCode } from "./problem-codes.ts";
import { Problem, sendProblem } from "./problems.ts";

const RETRY_AFTER_S = "1";

/** What an operating error is to a client; the ones not named here are the operator's matter alone: 500. */
const operatingProblems: Partial<Record<LedgerErrorCode, ProblemCode>> = {
  overloaded: "overloaded",
  not_ready: "not_ready",
  log_unavailable: "log_unavailable",
  store_unavailable: "store_unavailable",
  position_not_reached: "position_not_reached",
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
  FST_ERR_MAX_PARAM_LENGTH: {
    code: "parameter_too_long",
    detail: "A parameter in the path is longer than 100 characters.",
  },
  ECONNRESET: { code: "incomplete_body", detail: "The connection ended before the body did." },
};

/** The one place where what was thrown becomes an answer. Only what nobody expected is logged, and none of it is told. */
export function answerFault(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = toProblem(error);
  // Fastify closes the connection on a body that is too large; a client that is still writing would lose the answer with it. Left
  // open, Node reads the rest away, within the request's time.
  if (problem?.code === "body_too_large") reply.removeHeader("connection");
  if (problem) return sendProblem(reply, problem, problem.headers);
  request.log.error({ err: error, request: request.id, method: request.method, route: request.routeOptions.url });
  return sendProblem(reply, {
    code: "internal_error",
    detail: "The ledger failed to answer; the operator finds this under the instance.",
  });
}

function toProblem(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error;
  if (isLedgerError(error)) return operatingProblem(error);
  const known = isFrameworkError(error) ? frameworkProblems[error.code] : undefined;
  return known && new Problem(known.code, known.detail);
}

function operatingProblem(error: LedgerError): Problem | undefined {
  const code = operatingProblems[error.code];
  return code && new Problem(code, error.message, { headers: { "retry-after": RETRY_AFTER_S } });
}

function isFrameworkError(error: unknown): error is FastifyError {
  return error instanceof Error && "code" in error && typeof error.code === "string";
}

import type { FastifyReply } from "fastify";
import type { EventId } from "../domain/ids.ts";
import type { Rejection } from "../domain/rejections.ts";
import { type ProblemCode, problemKind } from "./problem-codes.ts";

/** One fault in a request: `pointer` is an RFC 6901 pointer into the body, or the name of a query parameter. */
export type FieldFault = { readonly pointer: string; readonly detail: string };

type ProblemOptions = {
  readonly errors?: readonly FieldFault[];
  readonly headers?: Readonly<Record<string, string>>;
};

/** Ends a request: thrown by hooks, parsers and handlers, and rendered by the one error handler. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly detail: string;
  readonly errors: readonly FieldFault[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ProblemCode, detail: string, options: ProblemOptions = {}) {
    super(detail);
    this.name = "Problem";
    this.code = code;
    this.detail = detail;
    this.errors = options.errors ?? [];
    this.headers = options.headers ?? {};
  }
}

export const problemContentType = "application/problem+json";

/** Identifies a problem: a stored refusal by its event, so that a repeat is the same text; any other by its request. */
export function eventInstance(event: EventId): string {
  return `urn:payledger:${event}`;
}
export function requestInstance(requestId: string): string {
  return `urn:payledger:req:${requestId}`;
}

/** The RFC 9457 body of a problem. */
export function problemBody(
  problem: { readonly code: string; readonly detail: string; readonly errors?: readonly FieldFault[] },
  instance: string,
): string {
  const { status, title } = problemKind(problem.code);
  const { code, detail, errors } = problem;
  const body = { type: `/problems/${code}`, title, status, code, detail, instance };
  return JSON.stringify(errors && errors.length > 0 ? { ...body, errors } : body);
}

/** Ends a request with a problem. */
export function sendProblem(
  reply: FastifyReply,
  problem: { readonly code: string; readonly detail: string; readonly errors?: readonly FieldFault[] },
  headers: Readonly<Record<string, string>> = {},
): FastifyReply {
  reply.server.refused(problem.code);
  return reply
    .code(problemKind(problem.code).status)
    .headers(headers)
    .header("content-type", problemContentType)
    .send(Buffer.from(problemBody(problem, requestInstance(reply.request.id))));
}

/** A refusal that is not recorded, as a problem. */
export function rejectionProblem(rejection: Rejection): Problem {
  const { code, detail, pointer } = rejection;
  return new Problem(code, detail, pointer === undefined ? {} : { errors: [{ pointer, detail }] });
}

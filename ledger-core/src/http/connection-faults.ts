import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { type ProblemCode, problemKind } from "./problem-codes.ts";
import { problemBody, problemContentType, requestInstance } from "./problems.ts";

/** Answers bytes that never became a request (headers too large, too slow, not HTTP), then closes the connection. */
export function answerConnectionFault(error: Error & { code?: string }, socket: Socket, requestId: string): void {
  if (error.code === "ECONNRESET" || socket.destroyed) return;
  if (socket.writable) socket.write(rawAnswer(connectionProblem(error.code), requestId));
  socket.destroySoon();
}

function connectionProblem(code: string | undefined): { code: ProblemCode; detail: string } {
  switch (code) {
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return { code: "request_timeout", detail: "The request did not arrive in time." };
    case "HPE_HEADER_OVERFLOW":
      return { code: "header_too_large", detail: "The request's headers hold more than 16 KiB." };
    default:
      return { code: "bad_request", detail: "The bytes sent are not an HTTP/1.1 request." };
  }
}

/** A whole answer for a connection without a request, or one that ends with it. */
export function rawAnswer(
  problem: { code: ProblemCode; detail: string },
  requestId: string,
  headers: readonly string[] = [],
): string {
  const { status } = problemKind(problem.code);
  const body = problemBody(problem, requestInstance(requestId));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Content-Type: ${problemContentType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...headers,
    "Connection: close",
  ];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}

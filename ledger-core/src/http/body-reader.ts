import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { BODY_BYTES_MAX } from "./limits.ts";
import { Problem } from "./problems.ts";

/** Initial size of a body's buffer; it doubles up to the body's length. */
const FIRST_BYTES = 16 * 1024;

/**
 * The most bytes that a body may have by its headers: its length, or without one the most that the route takes.
 * @throws Problem `body_too_large`
 */
export function announcedBytes({ headers, routeOptions }: FastifyRequest): number {
  const { bodyLimit = BODY_BYTES_MAX } = routeOptions;
  const length = headers["content-length"];
  if (length === undefined) return headers["transfer-encoding"] === undefined ? 0 : bodyLimit;
  const bytes = Number(length);
  if (bytes > bodyLimit) throw tooLarge();
  return bytes;
}

/**
 * Reads a whole body into one buffer that grows as bytes arrive: many small pieces cost no more than a few large ones,
 * and a body that arrives whole is not copied.
 * `done` is called once, with the bytes or with the error.
 */
export function readBody(
  request: FastifyRequest,
  payload: IncomingMessage,
  done: (error: Error | null, bytes: Buffer) => void,
): void {
  const { bodyLimit = BODY_BYTES_MAX } = request.routeOptions;
  const header = request.headers["content-length"];
  const announced = header === undefined ? undefined : Number(header);
  let bytes: Buffer = nothing;
  let length = 0;

  function end(error: Error | null): void {
    payload.off("data", onData).off("end", onEnd).off("error", end);
    done(error, bytes.subarray(0, length));
  }

  function onData(chunk: Buffer): void {
    const needed = length + chunk.length;
    if (needed > bodyLimit) {
      end(tooLarge());
      return;
    }
    if (needed === announced && length === 0) {
      bytes = chunk;
      length = needed;
      return;
    }
    if (needed > bytes.length) {
      const grown = Buffer.allocUnsafe(Math.min(bodyLimit, Math.max(needed, capacity(bytes.length, announced))));
      bytes.copy(grown, 0, 0, length);
      bytes = grown;
    }
    chunk.copy(bytes, length);
    length = needed;
  }

  function onEnd(): void {
    const whole = announced === undefined || announced === length;
    end(whole ? null : new Problem("incomplete_body", "The body has another length than Content-Length says."));
  }

  if (request.headers.expect !== undefined) sendContinue(request.raw);
  payload.on("data", onData).on("end", onEnd).on("error", end);
  payload.resume();
}

const nothing = Buffer.alloc(0);

/** Small bodies get their announced size at once; large ones only as bytes arrive. */
function capacity(present: number, announced: number | undefined): number {
  const doubled = present === 0 ? FIRST_BYTES : present * 2;
  return announced === undefined ? doubled : Math.min(doubled, announced);
}

function tooLarge(): Problem {
  return new Problem("body_too_large", "The body is larger than this route takes.");
}

/** Requests that wait for `100 Continue` before they send their body. */
const waiting = new WeakMap<IncomingMessage, ServerResponse>();

/** Keeps Node from requesting a body before its headers, token and length have passed. */
export function holdContinue({ server }: FastifyInstance): void {
  server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
    waiting.set(request, response);
    server.emit("request", request, response);
  });
  // Admission refuses any other expectation with a problem; Node would answer it without one.
  server.on("checkExpectation", (request, response) => server.emit("request", request, response));
}

/** @throws Problem `invalid_header` for an expectation other than 100-continue */
export function checkExpect({ headers }: FastifyRequest): void {
  if (headers.expect !== undefined && headers.expect.toLowerCase() !== "100-continue")
    throw new Problem("invalid_header", "The only expectation that can be met is 100-continue.");
}

/** Whether the client still holds its body back: then the connection cannot be used after the answer. */
export function holdsBodyBack(request: FastifyRequest): boolean {
  return request.headers.expect !== undefined && waiting.has(request.raw);
}

function sendContinue(request: IncomingMessage): void {
  waiting.get(request)?.writeContinue();
  waiting.delete(request);
}

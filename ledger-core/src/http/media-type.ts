import type { FastifyContextConfig, FastifyInstance, FastifyRequest } from "fastify";
import { parseBody } from "./body.ts";
import { readBody } from "./body-reader.ts";
import { Problem } from "./problems.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** The body may be absent, which is the same as `{}`. */
    bodyOptional?: boolean;
    /**
     * The route's own reader for a known form of body; it returns undefined for any other, which is then parsed as
     * JSON.
     */
    readBody?: (bytes: Buffer) => object | undefined;
  }
}

const json = /^application\/json[\t ]*(?:;[\t ]*charset[\t ]*=[\t ]*(?:utf-8|"utf-8")[\t ]*)?$/i;

/** Accepts only JSON bodies in UTF-8; where a body is optional, zero bytes of any type and framing count as absent. */
export function readJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  addParser(app, "application/json", (bytes, { readBody }) => readBody?.(bytes) ?? parseBody(bytes));
  addParser(app, "*", () => {
    throw unsupported();
  });
}

type Parse = (bytes: Buffer, config: FastifyContextConfig) => object;

function addParser(app: FastifyInstance, type: string, parse: Parse): void {
  app.addContentTypeParser(type, (request, payload, done) => {
    readBody(request, payload, (error, bytes) => {
      let body: object | undefined;
      let fault = error;
      let readmitted: Promise<unknown> | undefined;
      try {
        if (fault === null) {
          readmitted = app.readmit(request);
          body = bodyOf(bytes, request.routeOptions.config, parse);
        }
      } catch (thrown) {
        fault = thrown instanceof Error ? thrown : new Error("the body's parser threw no error", { cause: thrown });
      }
      if (readmitted === undefined) done(fault, body);
      else readmitted.then(() => done(fault, body), done);
    });
  });
}

function bodyOf(bytes: Buffer, config: FastifyContextConfig, parse: Parse): object {
  return bytes.length === 0 && config.bodyOptional === true ? {} : parse(bytes, config);
}

function unsupported(): Problem {
  return new Problem("unsupported_media_type", "The body must be application/json in UTF-8.");
}

/** Checks the headers about a body. A POST without an optional body gets an empty object. */
export function checkBodyHeaders(request: FastifyRequest, { bodyOptional }: FastifyContextConfig): void {
  const headers = request.headers;
  const type = headers["content-type"];
  const encoding = headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity")
    throw new Problem("unsupported_media_type", "The body must not have a content encoding.");
  if (type === "application/json") return;
  const chunked = headers["transfer-encoding"] !== undefined;
  const absent = !chunked && Number(headers["content-length"] ?? 0) === 0;
  if (type === undefined && absent) {
    if (bodyOptional !== true) throw new Problem("empty_body", "The body is empty; a JSON object is needed.");
    request.body = {};
    return;
  }
  if (type !== undefined && json.test(type)) return;
  // Whether chunks hold anything is known only once they are read.
  if (bodyOptional === true && (absent || chunked)) return;
  throw unsupported();
}

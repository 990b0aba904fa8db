import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { SpanPlace, Tracing } from "../ports/tracing.ts";
import { type CallerTrace, parseTraceparent } from "./traceparent.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** When its body had been read and checked; 0 if it was refused before, or is not traced. */
    handledMs: number;
  }
}

export type RequestTracing = {
  readonly tracing: Tracing;
  /** The span of the event at this position, written as in Ledger-Position, if it was appended just now. */
  readonly eventAt?: (position: string) => SpanPlace | undefined;
};

/**
 * Records a span for each request, and one for its handling: decide and append, or query. Both are made when the answer
 * has been sent, since only then it is known whether they are kept.
 */
export function traceRequests(app: FastifyInstance, { tracing, eventAt = () => undefined }: RequestTracing): void {
  app.decorateRequest("handledMs", 0);
  app.addHook("preHandler", (request, _reply, done) => {
    request.handledMs = tracing.now();
    done();
  });
  app.addHook("onResponse", (request, reply, done) => {
    if (request.routeOptions.config.open !== true) record(request, reply);
    done();
  });

  function record(request: FastifyRequest, reply: FastifyReply): void {
    const position = textOf(reply.getHeader("ledger-position"));
    const command = request.method === "POST";
    const event = command && position !== undefined ? eventAt(position) : undefined;
    const caller = parseTraceparent(textOf(request.headers.traceparent));
    if (!kept(caller, event, command && position !== undefined && !reply.hasHeader("idempotency-replayed"))) return;
    const endMs = tracing.now();
    const links = event ? [event] : [];
    const failed = reply.statusCode >= 500;
    const at = position === undefined ? undefined : { "ledger.position": position };
    const parent = tracing.record({
      name: `${request.method} ${request.routeOptions.url ?? "none"}`,
      kind: "server",
      startMs: endMs - reply.elapsedTime,
      ...{ endMs, links, failed },
      ...(caller && { parent: caller }),
      attributes: {
        "http.request.method": request.method,
        "http.route": request.routeOptions.url ?? "none",
        "http.response.status_code": reply.statusCode,
        "ledger.request": request.id,
        ...at,
      },
    });
    if (request.handledMs === 0) return;
    const name = command ? "decide and append" : "query";
    const attributes = { ...at };
    tracing.record({ name, kind: "internal", startMs: request.handledMs, endMs, parent, links, failed, attributes });
  }

  /** The caller decides; else a command is kept with its event, and anything else by lot. */
  function kept(caller: CallerTrace | undefined, event: SpanPlace | undefined, appended: boolean): boolean {
    if (caller) return caller.sampled;
    return appended ? event !== undefined : tracing.sample();
  }
}

function textOf(header: unknown): string | undefined {
  return typeof header === "string" ? header : undefined;
}

import type { FastifyInstance } from "fastify";

/** If the logger takes debug lines: logs a line per answer with its request's id and, if it has one, its position. */
export function logRequests(app: FastifyInstance): void {
  if (app.log.level !== "debug" && app.log.level !== "trace") return;
  app.addHook("onResponse", (request, reply, done) => {
    if (request.routeOptions.config.probe !== true)
      request.log.debug(
        {
          request: request.id,
          method: request.method,
          route: request.routeOptions.url,
          status: reply.statusCode,
          position: reply.getHeader("ledger-position"),
          ms: Math.round(reply.elapsedTime * 1000) / 1000,
        },
        "answered",
      );
    done();
  });
}

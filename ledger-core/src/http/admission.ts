import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Caller } from "../caller.ts";
import { LedgerError } from "../errors.ts";
import { admitCaller, bearerOf } from "./auth.ts";
import { checkBodyHeaders } from "./media-type.ts";
import { checkPath, routedOnly } from "./paths.ts";
import { Problem } from "./problems.ts";
import { checkQuery } from "./query-string.ts";
import type { Authenticator } from "./tokens.ts";

/**
 * Whatever can be told before a request's body is read, in the order in which faults are answered: that the service runs, the route,
 * the form of the request, the caller, the headers of the body. It is one hook, since each hook of its own would cost every request.
 */
export function admitRequests(app: FastifyInstance, authenticate: Authenticator): void {
  const checkServing = refuseWhileClosing(app);
  const checkRouted = routedOnly(app);
  app.decorateRequest("caller", null);
  app.addHook("onRequest", (request, _reply, done) => {
    checkServing();
    checkRouted(request);
    checkHost(request);
    checkPath(request.url);
    checkQuery(request);
    const { config } = request.routeOptions;
    const admit = (caller: Caller | null): void => {
      if (caller !== null) admitCaller(request, caller, config.roles);
      if (request.method === "POST") checkBodyHeaders(request, config);
    };
    const caller = config.open === true ? null : authenticate(bearerOf(request));
    if (caller instanceof Promise) {
      caller.then(admit).then(() => done(), done);
      return;
    }
    admit(caller);
    done();
  });
}

/** Requests that still come over open connections while the server closes; those under way are answered. */
function refuseWhileClosing(app: FastifyInstance): () => void {
  let closing = false;
  app.addHook("preClose", (done) => {
    closing = true;
    done();
  });
  return () => {
    if (closing) throw new LedgerError("not_ready", "The service is stopping.", { retryable: true });
  };
}

/** @throws Problem `bad_request` for an HTTP/1.1 request without the Host header that RFC 9112 asks of it */
function checkHost({ raw }: FastifyRequest): void {
  if (raw.headers.host === undefined && raw.httpVersion === "1.1")
    throw new Problem("bad_request", "An HTTP/1.1 request carries a Host header.");
}

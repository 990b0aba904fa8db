import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Caller } from "../domain/caller.ts";
import { admitCaller, bearerOf } from "./auth.ts";
import { announcedBytes, checkExpect, holdsBodyBack } from "./body-reader.ts";
import type { Connections } from "./connections.ts";
import { checkBodyHeaders } from "./media-type.ts";
import { Problem } from "./problems.ts";
import type { Quotas } from "./quotas.ts";
import type { Authenticator } from "./tokens.ts";
import type { Held, UnderWay } from "./under-way.ts";
import { checkPath, checkQuery, routedOnly } from "./urls.ts";

declare module "fastify" {
  interface FastifyRequest {
    held: Held | null;
    /** The version of the revocations when the caller was authenticated. */
    revocations: number;
  }
  interface FastifyContextConfig {
    /** A health probe: never refused for load. */
    probe?: boolean;
    /** Counts for no quota, and is not refused for one. */
    unmetered?: boolean;
  }
}

/** The parts that admission needs. */
type Gate = {
  readonly authenticate: Authenticator;
  readonly connections: Connections;
  readonly underWay: UnderWay;
  readonly revocations: { readonly version: number };
  readonly quotas: Quotas | undefined;
};

const noHeaders = {};

/**
 * Checks all that can be checked before a request's body is read, in the order in which faults are answered: the
 * service runs, the route, the form of the request, the caller, the headers and length of the body, the load. One hook,
 * since each further hook costs every request.
 */
export function admitRequests(app: FastifyInstance, gate: Gate): void {
  const { authenticate, connections, underWay, revocations, quotas } = gate;
  const checkRouted = routedOnly(app);
  app.decorateRequest("caller", null);
  app.decorateRequest("held", null);
  app.decorateRequest("revocations", 0);
  app.addHook("onRequest", (request, reply, done) => {
    const { socket } = request.raw;
    reply.raw.on("close", () => {
      connections.end(socket);
      if (request.held !== null) underWay.gone(request.held);
    });
    connections.begin(reply);
    checkRouted(request);
    checkHost(request);
    checkPath(request.url);
    checkQuery(request);
    checkExpect(request);
    const { config } = request.routeOptions;
    const admit = (caller: Caller | null): void => {
      if (caller !== null) {
        admitCaller(request, caller, config.roles);
        request.revocations = revocations.version;
      }
      let bytes = 0;
      if (request.method === "POST") {
        checkBodyHeaders(request, config);
        bytes = announcedBytes(request);
      }
      if (quotas !== undefined && caller !== null && config.unmetered !== true)
        reply.headers(quotas.admit(caller) ?? noHeaders);
      if (config.probe !== true) request.held = underWay.begin(caller, bytes);
    };
    const caller = config.open === true ? null : authenticate(bearerOf(request));
    if (caller instanceof Promise) {
      caller.then(admit).then(() => done(), done);
      return;
    }
    admit(caller);
    done();
  });
  app.addHook("onSend", (request, reply, _payload, done) => {
    if (request.held !== null) underWay.answered(request.held);
    if (holdsBodyBack(request)) reply.header("connection", "close");
    done();
  });
}

/**
 * Authenticates the caller of a request again if tokens were revoked since: after its body has arrived, or it has
 * waited.
 * @throws Problem `unauthorized` (or rejects with it), LedgerError revocations_unavailable
 */
export function readmission({ authenticate, revocations }: Pick<Gate, "authenticate" | "revocations">) {
  return (request: FastifyRequest): undefined | Promise<unknown> => {
    if (request.caller === null || request.revocations === revocations.version) return undefined;
    const caller = authenticate(bearerOf(request));
    return caller instanceof Promise ? caller : undefined;
  };
}

/** @throws Problem `bad_request` for an HTTP/1.1 request without the Host header that RFC 9112 asks of it */
function checkHost({ raw }: FastifyRequest): void {
  if (raw.headers.host === undefined && raw.httpVersion === "1.1")
    throw new Problem("bad_request", "An HTTP/1.1 request carries a Host header.");
}

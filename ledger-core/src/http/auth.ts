import type { FastifyInstance, FastifyRequest, onRequestHookHandler } from "fastify";
import type { Caller, Role } from "../caller.ts";
import { assert } from "../errors.ts";
import { Problem } from "./problems.ts";
import { type Authenticator, unauthorized } from "./tokens.ts";

declare module "fastify" {
  interface FastifyRequest {
    caller: Caller | null;
  }
  interface FastifyContextConfig {
    /** Served without a token; everything else is denied without one. */
    open?: boolean;
    /** The roles that may use the route at all; all of them when it is left out. */
    roles?: readonly Role[];
  }
}

const scheme = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i;

/** Lets no request pass without a known caller in a role of its route, unless the route is open. */
export function requireCaller(app: FastifyInstance, authenticate: Authenticator): void {
  app.decorateRequest("caller", null);
  app.addHook("onRequest", bearer(authenticate));
}

function bearer(authenticate: Authenticator): onRequestHookHandler {
  return (request, _reply, done) => {
    const { open, roles } = request.routeOptions.config;
    if (open === true) return done();
    const admit = (caller: Caller) => {
      request.caller = caller;
      if (roles === undefined || roles.includes(caller.role)) done();
      else done(new Problem("forbidden", `The role ${caller.role} may not do this.`));
    };
    const caller = authenticate(readBearer(request.headers.authorization));
    if (caller instanceof Promise) caller.then(admit, done);
    else admit(caller);
  };
}

function readBearer(header: string | undefined): string {
  if (header === undefined) throw unauthorized("The request carries no bearer token.");
  const token = header.startsWith("Bearer ey") ? header.slice(7) : scheme.exec(header)?.[1];
  if (token === undefined) throw unauthorized("The Authorization header is not a bearer token.");
  return token;
}

/** Who sent the request. On an open route there is no one: asking is a bug. */
export function callerOf(request: FastifyRequest): Caller {
  assert(request.caller !== null, "a caller is asked for only behind authentication");
  return request.caller;
}

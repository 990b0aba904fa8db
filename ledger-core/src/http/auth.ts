import type { FastifyRequest } from "fastify";
import type { Caller, Role } from "../domain/caller.ts";
import { assert } from "../domain/errors.ts";
import { countHeader } from "./idempotency-key.ts";
import { Problem } from "./problems.ts";
import { unauthorized } from "./tokens.ts";

declare module "fastify" {
  interface FastifyRequest {
    caller: Caller | null;
  }
  interface FastifyContextConfig {
    /** Served without a token; everything else is denied without one. */
    open?: boolean;
    /** The roles that may use the route at all; by default all but `platform`, which has no access to tenants' data. */
    roles?: readonly Role[];
  }
}

const scheme = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i;

/** Assigns the caller to the request. @throws Problem `forbidden` when the route is not for the caller's role */
export function admitCaller(request: FastifyRequest, caller: Caller, roles: readonly Role[] | undefined): void {
  if (roles === undefined ? caller.role === "platform" : !roles.includes(caller.role))
    throw new Problem("forbidden", `The role ${caller.role} may not do this.`);
  request.caller = caller;
}

/**
 * The token of a request.
 * @throws Problem `unauthorized` when it carries none; `invalid_header` when the header is repeated, since Node would
 * keep only the first
 */
export function bearerOf({ headers, raw }: FastifyRequest): string {
  const header = headers.authorization;
  if (header === undefined) throw unauthorized("The request carries no bearer token.");
  if (countHeader(raw.rawHeaders, "authorization") > 1)
    throw new Problem("invalid_header", "The request carries more than one Authorization header.");
  const token = header.startsWith("Bearer ey") ? header.slice(7) : scheme.exec(header)?.[1];
  if (token === undefined) throw unauthorized("The Authorization header is not a bearer token.");
  return token;
}

/** The caller of a request. An open route has none: asking there is a bug. */
export function callerOf(request: FastifyRequest): Caller {
  assert(request.caller !== null, "a caller is asked for only behind authentication");
  return request.caller;
}

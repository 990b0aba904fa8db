import type { FastifyInstance } from "fastify";
import { formatInstant, type Micros, type Revocation, roles } from "ledger-core";
import { bearerOf, callerOf, type RevocationList, type TokenSessions } from "ledger-core/http";
import { Problem } from "ledger-core/http/problems";
import { problemAnswers, revocationSchema } from "ledger-core/http/schemas";
import { systemRuntime } from "ledger-core/process";
import { dryRunQuery, keyHeader } from "./route.ts";

export type SessionOptions = {
  readonly revocations: Pick<RevocationList, "revoke">;
  readonly sessions: TokenSessions;
  /** Default: the system's. */
  readonly clock?: () => Micros;
};

const DAY_US = 86_400_000_000;
/** The ids that a path can name; no provider's tokens are known to have others. */
const grammar = /^[A-Za-z0-9._~:@=+-]{1,100}$/;

const noBody = { type: "object", properties: {}, additionalProperties: false } as const;

type RevokeRequest = { Params: { jti: string }; Querystring: { dryRun?: string } };

/**
 * POST /v1/sessions/{jti}/revoke: by the token itself, or by an operator of its tenant. No event of the ledger, so it
 * has no position, and its answer is the same under any key.
 */
export function serveSessions(app: FastifyInstance, options: SessionOptions): void {
  const { revocations, sessions, clock = systemRuntime.now } = options;
  const schema = {
    summary: "Revoke a token or session",
    description:
      "An operator revokes any token of the tenant by its `jti`, or every token of a session by its `sid`; anybody " +
      "else the token of the request. Within a second no service accepts it.",
    tags: ["Session"],
    headers: keyHeader,
    querystring: dryRunQuery,
    params: {
      type: "object",
      properties: { jti: { type: "string", description: "The token's `jti`, or the `sid` of its session." } },
    },
    body: noBody,
    response: {
      200: revocationSchema,
      ...problemAnswers(400, 401, 404, 413, 415, 422, 503),
    },
  };
  // A quota that a thief has used up must not keep an operator from revoking the stolen token.
  const config = { roles, bodyOptional: true, unmetered: true };
  app.post<RevokeRequest>("/v1/sessions/:jti/revoke", { schema, config }, async (request) => {
    const { tenant, role } = callerOf(request);
    const { jti: id } = request.params;
    const revokedAt = clock();
    const operator = role === "operator";
    const until = untilOf(id, bearerOf(request), { sessions, now: revokedAt, operator });
    if (until === undefined)
      throw new Problem("session_not_found", "There is no session of this id that you may revoke.");
    const revocation = { tenant, id, revokedAt, until };
    const dryRun = request.query.dryRun === "true";
    return answerOf(dryRun ? revocation : await revocations.revoke(revocation, { operator }));
  });
}

/** Until when tokens with an id may be good; undefined if the caller may not revoke them. */
function untilOf(
  id: string,
  token: string,
  { sessions, now, operator }: Pick<SessionOptions, "sessions"> & { readonly now: Micros; readonly operator: boolean },
): Micros | undefined {
  const own = sessions.of(token);
  if (id === own.id && grammar.test(id)) return own.expiresS * 1_000_000;
  return grammar.test(id) && (operator || id === own.session) ? now + sessions.daysMax * DAY_US : undefined;
}

/** Without `until`, which a repeat may prolong: so a repeat is answered like the first. */
function answerOf({ id, revokedAt }: Revocation) {
  return { id, revokedAt: formatInstant(revokedAt) };
}

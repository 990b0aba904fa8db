import { type JWTPayload, jwtVerify } from "jose";
import { LedgerError } from "../domain/errors.ts";
import type { OpenIdTarget } from "../process/identity-part.ts";
import type { ReadinessCheck } from "./operations.ts";
import { isUnreachable, type ProviderKeys, type ProviderKeysOptions, providerKeys } from "./provider-keys.ts";
import {
  type Authenticator,
  type AuthenticatorOptions,
  callerOfClaims,
  checkLifetime,
  idsOf,
  isRole,
  readHeader,
  rememberTokens,
  sessionIn,
  unauthorized,
  type VerifiedToken,
} from "./tokens.ts";

/** Entra ID also sends its certificate's thumbprint, `x5t`; it is ignored. */
const headerFields: ReadonlySet<string> = new Set(["alg", "typ", "kid", "x5t"]);

export type OpenIdOptions = AuthenticatorOptions &
  ProviderKeysOptions & {
    /**
     * How long until a known token is verified again, so that a revoked key becomes useless. 0 to 86,400,000. Default
     * 300,000 ms.
     */
    readonly recheckMs?: number;
    /** Tolerated difference between the provider's clock and ours. 0 to 300. Default 5 s. */
    readonly skewSeconds?: number;
  };

/** Verifies tokens of an OpenID provider and reports whether its keys are loaded. */
export type OpenIdVerifier = {
  readonly authenticate: Authenticator;
  readonly readiness: ReadinessCheck;
  /** Waits for the provider's keys. @throws LedgerError not_ready */
  load(): Promise<void>;
};

export function openIdVerifier(target: OpenIdTarget, options: OpenIdOptions = {}): OpenIdVerifier {
  const keys = providerKeys(target, options);
  const { recheckMs = 300_000, skewSeconds = 5 } = options;
  // Load now, so that readiness is known before the first token arrives.
  void keys.load().catch(() => undefined);
  return {
    authenticate: rememberTokens(async (token, nowMs) => {
      const verified = await verify(token, { target, keys, nowMs, skewSeconds });
      return { ...verified, recheckMs: nowMs + recheckMs };
    }, options),
    load: () => keys.load(),
    readiness: {
      name: "identity",
      check() {
        const count = keys.count();
        if (count > 0) return { ready: true, detail: `${count} keys of the provider` };
        void keys.load().catch(() => undefined);
        return { ready: false, detail: "the identity provider's keys are not there yet: it does not answer" };
      },
    },
  };
}

type Verifying = {
  readonly target: OpenIdTarget;
  readonly keys: ProviderKeys;
  readonly nowMs: number;
  readonly skewSeconds: number;
};

async function verify(token: string, { target, keys, nowMs, skewSeconds }: Verifying): Promise<VerifiedToken> {
  const { algorithm, tokenType, claims } = target;
  readHeader(token, { algorithm, type: tokenType, fields: headerFields });
  const payload = await jwtVerify(token, keys.find, {
    algorithms: [algorithm],
    issuer: target.issuer,
    audience: target.audience,
    typ: tokenType,
    requiredClaims: ["exp"],
    clockTolerance: skewSeconds,
    currentDate: new Date(nowMs),
  }).then(
    (result) => result.payload,
    (error: unknown) => {
      if (isUnreachable(error))
        throw new LedgerError("not_ready", "the identity provider does not answer", { retryable: true, cause: error });
      throw unauthorized("The token is not valid: its signature, times, issuer, audience or type.");
    },
  );
  checkLifetime(payload, nowMs, target.tokenDays);
  const caller = callerOfClaims({
    tenant: claim(payload, claims.tenant),
    sub: claim(payload, claims.owner),
    role: roleOf(claim(payload, claims.role)),
  });
  const ids = idsOf(sessionIn(payload, claims));
  return { caller, expiresMs: ((payload.exp ?? 0) + skewSeconds) * 1000, ids };
}

function claim(payload: JWTPayload, name: string): unknown {
  return Object.hasOwn(payload, name) ? payload[name] : undefined;
}

/** Accepts a list that holds exactly one of the ledger's roles beside roles of other applications. */
function roleOf(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  const known = value.filter((entry) => isRole(entry));
  return known.length === 1 ? known[0] : undefined;
}

import { createPublicKey, type KeyObject, randomUUID } from "node:crypto";
import {
  calculateJwkThumbprint,
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  type JWTPayload,
  jwtVerify,
  SignJWT,
} from "jose";
import { type Caller, type Role, roles } from "../domain/caller.ts";
import { ownerPattern } from "./field-schemas.ts";
import { Problem } from "./problems.ts";

const ISSUER = "payledger";
const AUDIENCE = "payledger";
const ALGORITHM = "EdDSA";
const TOKEN_TYPE = "at+jwt";
const TOKEN_LENGTH_MAX = 4096;
const TAIL_LENGTH = 16;
const DAY_S = 86_400;
/**
 * Allowed header fields; jku, jwk, x5u and crit are refused unread, so that a token never makes us fetch or trust
 * anything.
 */
const headerFields: ReadonlySet<string> = new Set(["alg", "typ", "kid"]);
const tenantGrammar = /^[A-Za-z0-9._:@-]{1,64}$/;
const ownerGrammar = new RegExp(ownerPattern);

/** An Ed25519 key pair as JWK; `kid` is the RFC 7638 thumbprint of the public key. */
export type SigningKeys = { readonly kid: string; readonly publicKey: JWK; readonly privateKey: JWK };

export async function createSigningKeys(): Promise<SigningKeys> {
  const pair = await generateKeyPair(ALGORITHM, { crv: "Ed25519", extractable: true });
  const publicKey = await exportJWK(pair.publicKey);
  const kid = await calculateJwkThumbprint(publicKey);
  const shared = { kid, alg: ALGORITHM, use: "sig" };
  return {
    kid,
    publicKey: { ...publicKey, ...shared },
    privateKey: { ...(await exportJWK(pair.privateKey)), ...shared },
  };
}

/** The keys as one JSON text: the private JWK, which holds the public one. Keep it as secret as money. */
export function formatSigningKeys(keys: SigningKeys): string {
  return `${JSON.stringify(keys.privateKey)}\n`;
}

/** The keys in such a text; undefined for any other text. */
export function parseSigningKeys(text: string): SigningKeys | undefined {
  try {
    const privateKey: JWK = JSON.parse(text);
    const { d, ...publicKey } = privateKey;
    if (typeof d !== "string" || typeof privateKey.kid !== "string" || privateKey.crv !== "Ed25519") return undefined;
    return { kid: privateKey.kid, publicKey, privateKey };
  } catch {
    return undefined;
  }
}

/** Whether a text may be a tenant: 1 to 64 letters, digits and `._:@-`. */
export function isTenant(text: unknown): text is string {
  return typeof text === "string" && tenantGrammar.test(text);
}

/**
 * Whether a text may be a token's subject, and so an owner: like a tenant, but not with a prefix of the ledger's own
 * accounts.
 */
export function isSubject(text: unknown): text is string {
  return typeof text === "string" && ownerGrammar.test(text);
}

/** The longest lifetime of a token, in days: an operator's revocation of it is kept as long. */
export const TOKEN_DAYS_MAX = 400;

/** A token for a caller, with an id of its own, good for `ttlSeconds` from now. */
export async function signToken(caller: Caller & { readonly ttlSeconds: number }, keys: SigningKeys): Promise<string> {
  if (!isTenant(caller.tenant) || !isSubject(caller.sub))
    throw new RangeError(
      "a tenant and a subject are 1 to 64 letters, digits and ._:@-; rail:, ledger: and transit: are reserved",
    );
  return new SignJWT({ tenant: caller.tenant, role: caller.role })
    .setProtectedHeader({ alg: ALGORITHM, typ: TOKEN_TYPE, kid: keys.kid })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setSubject(caller.sub)
    .setJti(randomUUID())
    .setIssuedAt()
    .setExpirationTime(`${caller.ttlSeconds}s`)
    .sign(await importJWK(keys.privateKey, ALGORITHM));
}

/**
 * The caller of a token. Synchronous for a token that was verified before. @throws Problem `unauthorized` (or rejects
 * with it)
 */
export type Authenticator = (token: string) => Caller | Promise<Caller>;

/** Asked about tokens that are good otherwise. */
export type RevokedTokens = {
  /** Changes with the list, and is NaN while the list is too old, so that `check` is asked for every token. */
  readonly version: number;
  /**
   * @throws Problem `unauthorized` when one of the ids is revoked, LedgerError revocations_unavailable when the list is
   * too old
   */
  check(tenant: string, ids: readonly string[]): void;
};

export type AuthenticatorOptions = {
  /** Good tokens that are remembered. 1 to 1,000,000. Default 10,000. */
  readonly cacheMax?: number;
  readonly nowMs?: () => number;
  /** Looked at for every token whenever it has changed. Default: nothing is revoked. */
  readonly revocations?: RevokedTokens;
  /** Tokens that were made for longer are refused. 1 to 400 days, the default. */
  readonly daysMax?: number;
};

const nothingRevoked: RevokedTokens = { version: 0, check() {} };

/** A verifier of tokens signed by these keys. */
export function authenticator(publicKeys: readonly JWK[], options: AuthenticatorOptions = {}): Authenticator {
  const keys = new Map<string, KeyObject>();
  for (const jwk of publicKeys) if (jwk.kid) keys.set(jwk.kid, createPublicKey({ key: jwk, format: "jwk" }));
  const { daysMax = TOKEN_DAYS_MAX } = options;
  return rememberTokens((token, nowMs) => verifyToken(token, { keys, nowMs, daysMax }), options);
}

/** The caller of a verified token; from `recheckMs` on the token is verified again, should it be good for longer. */
export type VerifiedToken = {
  readonly caller: Caller;
  readonly expiresMs: number;
  readonly recheckMs?: number;
  /** It can be revoked by these. */
  readonly ids: readonly string[];
};

/** A verified token; `seen` is the version of the revocations that did not hold it. */
type KnownToken = Required<VerifiedToken> & { readonly token: string; seen: number };

/**
 * Remembers the last good tokens, so that a known one is answered at once. `verify` rejects with Problem
 * `unauthorized`.
 */
export function rememberTokens(
  verify: (token: string, nowMs: number) => Promise<VerifiedToken>,
  { cacheMax = 10_000, nowMs = Date.now, revocations = nothingRevoked }: AuthenticatorOptions,
): Authenticator {
  const verified = new Map<string, KnownToken>();

  async function verifyAnew(token: string): Promise<Caller> {
    const { caller, expiresMs, recheckMs = expiresMs, ids } = await verify(token, nowMs());
    const oldest = verified.size >= cacheMax ? verified.keys().next().value : undefined;
    if (oldest !== undefined) verified.delete(oldest);
    const known = { token, caller, expiresMs, recheckMs, ids, seen: Number.NaN };
    verified.set(tailOf(token), known);
    return unrevoked(known);
  }

  /** Looks a token up only if the revocations have changed since: usually, two numbers are compared. */
  function unrevoked(known: KnownToken): Caller {
    if (known.seen !== revocations.version) {
      revocations.check(known.caller.tenant, known.ids);
      known.seen = revocations.version;
    }
    return known.caller;
  }

  return (token) => {
    const known = verified.get(tailOf(token));
    if (known?.token !== token) return verifyAnew(token);
    const now = nowMs();
    if (known.expiresMs > now && known.recheckMs > now) return unrevoked(known);
    verified.delete(tailOf(token));
    if (known.expiresMs > now) return verifyAnew(token);
    throw unauthorized("The token has expired.");
  };
}

/**
 * The key of a token in the cache: the end of its signature, since a map hashes the whole of a new text, which takes a
 * microsecond for 300 characters. Whole tokens are compared afterwards.
 */
function tailOf(token: string): string {
  return token.slice(-TAIL_LENGTH);
}

async function verifyToken(
  token: string,
  { keys, nowMs, daysMax }: { keys: ReadonlyMap<string, KeyObject>; nowMs: number; daysMax: number },
): Promise<VerifiedToken> {
  const key = keys.get(readHeader(token, EMBEDDED).kid);
  if (!key) throw unauthorized("The token is not signed by a known key.");
  const payload = await jwtVerify(token, key, {
    algorithms: [ALGORITHM],
    issuer: ISSUER,
    audience: AUDIENCE,
    typ: TOKEN_TYPE,
    requiredClaims: ["exp", "sub", "tenant", "role"],
    currentDate: new Date(nowMs),
  }).then(
    (result) => result.payload,
    () => {
      throw unauthorized("The token is not valid: its signature, times, issuer, audience or type.");
    },
  );
  checkLifetime(payload, nowMs, daysMax);
  return readClaims(payload);
}

/** @throws Problem `unauthorized` for a token that may outlive its revocation */
export function checkLifetime({ exp = 0, iat }: JWTPayload, nowMs: number, daysMax: number): void {
  const nowS = nowMs / 1000;
  if (exp - Math.min(iat ?? nowS, nowS) > daysMax * DAY_S)
    throw unauthorized(`The token is good for more than ${daysMax} days.`);
}

/** The header that a token must have. */
export type HeaderForm = { readonly algorithm: string; readonly type: string; readonly fields: ReadonlySet<string> };
const EMBEDDED: HeaderForm = { algorithm: ALGORITHM, type: TOKEN_TYPE, fields: headerFields };

/** @throws Problem `unauthorized` when the header is not of this form, before anything in it is used */
export function readHeader(token: string, { algorithm, type, fields }: HeaderForm): { readonly kid: string } {
  if (token.length > TOKEN_LENGTH_MAX) throw unauthorized("The token is too long.");
  let header: Record<string, unknown>;
  try {
    header = { ...decodeProtectedHeader(token) };
  } catch {
    throw unauthorized("The token is not a JWT.");
  }
  const foreign = Object.keys(header).some((field) => !fields.has(field));
  if (foreign || header.alg !== algorithm || typeof header.kid !== "string")
    throw unauthorized(`The token's header may hold alg ${algorithm}, typ ${type} and a kid, and nothing else.`);
  return { kid: header.kid };
}

function readClaims(payload: JWTPayload): VerifiedToken {
  const { tenant, sub, role, exp } = payload;
  const ids = idsOf(sessionIn(payload, embeddedIds));
  return { caller: callerOfClaims({ tenant, sub, role }), expiresMs: (exp ?? 0) * 1000, ids };
}

/** A token is revoked by its own id or its session's, where it has them, until it expires. */
export type TokenSession = {
  readonly id: string | undefined;
  readonly session: string | undefined;
  readonly expiresS: number;
};

/** The names of the claims with these ids. */
export type SessionClaims = { readonly id: string; readonly session: string };
export const embeddedIds: SessionClaims = { id: "jti", session: "sid" };

/** The ids in a token that was verified before. */
export function sessionOf(token: string, names: SessionClaims): TokenSession {
  return sessionIn(decodeJwt(token), names);
}

export function sessionIn(payload: JWTPayload, names: SessionClaims): TokenSession {
  const text = (name: string) => {
    const value = Object.hasOwn(payload, name) ? payload[name] : undefined;
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  return { id: text(names.id), session: text(names.session), expiresS: payload.exp ?? 0 };
}

export function idsOf({ id, session }: TokenSession): readonly string[] {
  return [id, session].filter((one) => one !== undefined);
}

/** @throws Problem `unauthorized` when a claim is not one that the ledger knows */
export function callerOfClaims({ tenant, sub, role }: { tenant: unknown; sub: unknown; role: unknown }): Caller {
  if (!isTenant(tenant) || !isSubject(sub) || !isRole(role))
    throw unauthorized("The token's tenant, role or sub is not one that the ledger knows.");
  return Object.freeze({ tenant, role, sub });
}

export function isRole(role: unknown): role is Role {
  return roles.some((known) => known === role);
}

/** A 401 with the challenge that RFC 6750 requires. */
export function unauthorized(detail: string): Problem {
  return new Problem("unauthorized", detail, { headers: { "www-authenticate": "Bearer" } });
}

import { createPublicKey, type KeyObject } from "node:crypto";
import {
  calculateJwkThumbprint,
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
/**
 * Allowed header fields; jku, jwk, x5u and crit are refused unread, so that a token never makes us fetch or trust
 * anything.
 */
const headerFields = new Set(["alg", "typ", "kid"]);
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

/** A token for a caller, good for `ttlSeconds` from now. */
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
    .setIssuedAt()
    .setExpirationTime(`${caller.ttlSeconds}s`)
    .sign(await importJWK(keys.privateKey, ALGORITHM));
}

/**
 * The caller of a token. Synchronous for a token that was verified before. @throws Problem `unauthorized` (or rejects
 * with it)
 */
export type Authenticator = (token: string) => Caller | Promise<Caller>;

/**
 * A verifier of tokens signed by these keys; it remembers the last `cacheMax` (default 10,000) tokens that were good.
 */
export function authenticator(
  publicKeys: readonly JWK[],
  options: { readonly cacheMax?: number; readonly nowMs?: () => number } = {},
): Authenticator {
  const { cacheMax = 10_000, nowMs = Date.now } = options;
  const keys = new Map<string, KeyObject>();
  for (const jwk of publicKeys) if (jwk.kid) keys.set(jwk.kid, createPublicKey({ key: jwk, format: "jwk" }));
  const verified = new Map<string, { readonly token: string; readonly caller: Caller; readonly expiresMs: number }>();

  async function verify(token: string): Promise<Caller> {
    const { caller, expiresMs } = await verifyToken(token, keys, nowMs());
    const oldest = verified.size >= cacheMax ? verified.keys().next().value : undefined;
    if (oldest !== undefined) verified.delete(oldest);
    verified.set(tailOf(token), { token, caller, expiresMs });
    return caller;
  }

  return (token) => {
    const known = verified.get(tailOf(token));
    if (known?.token !== token) return verify(token);
    if (known.expiresMs > nowMs()) return known.caller;
    verified.delete(tailOf(token));
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

async function verifyToken(token: string, keys: ReadonlyMap<string, KeyObject>, nowMs: number) {
  if (token.length > TOKEN_LENGTH_MAX) throw unauthorized("The token is too long.");
  const key = keys.get(readKeyId(token));
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
  return readClaims(payload);
}

function readKeyId(token: string): string {
  let header: Record<string, unknown>;
  try {
    header = { ...decodeProtectedHeader(token) };
  } catch {
    throw unauthorized("The token is not a JWT.");
  }
  const foreign = Object.keys(header).some((field) => !headerFields.has(field));
  if (foreign || header.alg !== ALGORITHM || typeof header.kid !== "string")
    throw unauthorized("The token's header may hold alg EdDSA, typ at+jwt and a kid, and nothing else.");
  return header.kid;
}

function readClaims(payload: JWTPayload): { caller: Caller; expiresMs: number } {
  const { tenant, sub, role, exp } = payload;
  if (!isTenant(tenant) || !isSubject(sub) || !isRole(role) || exp === undefined)
    throw unauthorized("The token's tenant, role or sub is not one that the ledger knows.");
  return { caller: Object.freeze({ tenant, role, sub }), expiresMs: exp * 1000 };
}

function isRole(role: unknown): role is Role {
  return roles.some((known) => known === role);
}

/** A 401 with the challenge that RFC 6750 requires. */
export function unauthorized(detail: string): Problem {
  return new Problem("unauthorized", detail, { headers: { "www-authenticate": "Bearer" } });
}

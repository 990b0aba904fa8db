import { decodeProtectedHeader, exportJWK, generateKeyPair, type JWTHeaderParameters, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { readConfiguration } from "../process/configuration.ts";
import { identityPart, type OpenIdTarget } from "../process/identity-part.ts";
import { AUDIENCE, startOpenIdProvider, type TestProvider } from "../testing/openid-provider.ts";
import { type OpenIdOptions, openIdVerifier } from "./openid.ts";

const refused = { name: "Problem", code: "unauthorized", headers: { "www-authenticate": "Bearer" } };
const away = { name: "LedgerError", code: "not_ready", retryable: true };
const claims = { tid: "acme", roles: ["Reports.Read", "consumer"], oid: "alice@acme" };
const alice = { tenant: "acme", role: "consumer", sub: "alice@acme" };

let provider: TestProvider;
beforeAll(async () => {
  provider = await startOpenIdProvider();
});
afterAll(() => provider.close());

/** As for Entra ID, whose claims are named differently. */
function targetOf(issuer: string, environment: Readonly<Record<string, string>> = {}): OpenIdTarget {
  const { identity } = readConfiguration(
    { identity: identityPart },
    {
      ...{ IDENTITY: issuer, IDENTITY_AUDIENCE: AUDIENCE, IDENTITY_TENANT_CLAIM: "tid", IDENTITY_ROLE_CLAIM: "roles" },
      ...{ IDENTITY_OWNER_CLAIM: "oid", ...environment },
    },
  );
  if (identity.kind !== "openid") throw new Error("an issuer is an OpenID provider");
  return identity;
}

const verifierOf = (options: OpenIdOptions = {}, from = provider) => openIdVerifier(targetOf(from.issuer), options);

async function ownProvider(): Promise<TestProvider> {
  const own = await startOpenIdProvider();
  onTestFinished(() => own.close());
  return own;
}

describe("a token of a real provider", () => {
  test("identifies the caller, and is verified only once", async () => {
    const { authenticate, readiness } = verifierOf();
    const token = await provider.token(claims);
    expect(decodeProtectedHeader(token)).toMatchObject({ alg: "RS256", typ: "at+jwt" });
    expect(await authenticate(token)).toEqual(alice);
    expect(authenticate(token)).toEqual(alice);
    expect(readiness.check()).toEqual({ ready: true, detail: "1 keys of the provider" });
  });

  test.each([
    ["no role of ours", { ...claims, roles: ["Reports.Read"] }],
    ["two roles of ours", { ...claims, roles: ["consumer", "operator"] }],
    ["no tenant", { ...claims, tid: undefined }],
    ["a tenant that is no text", { ...claims, tid: 7 }],
    ["an owner of the ledger's own", { ...claims, oid: "rail:fps" }],
    ["the claims under their default names alone", { tenant: "acme", role: "consumer", owner: "alice" }],
  ])("with %s is refused", async (_name, wanted) => {
    await expect(verifierOf().authenticate(await provider.token(wanted))).rejects.toMatchObject(refused);
  });

  test.each([
    ["another audience", { IDENTITY_AUDIENCE: "https://other.example" }],
    ["another type of token", { IDENTITY_TOKEN_TYPE: "JWT" }],
    ["another algorithm", { IDENTITY_ALGORITHM: "ES256" }],
  ])("is refused where %s is asked for", async (_name, environment) => {
    const { authenticate } = openIdVerifier(targetOf(provider.issuer, environment));
    await expect(Promise.resolve(authenticate(await provider.token(claims)))).rejects.toMatchObject(refused);
  });

  test("is refused once it has expired", async () => {
    let nowMs = Date.now();
    const { authenticate } = verifierOf({ nowMs: () => nowMs });
    const token = await provider.token(claims);
    expect(await authenticate(token)).toEqual(alice);
    nowMs += 700_000;
    expect(() => authenticate(token)).toThrow(expect.objectContaining(refused));
    await expect(authenticate(token)).rejects.toMatchObject(refused);
  });
});

describe("a hostile token", () => {
  const foreign = generateKeyPair("RS256", { extractable: true });
  const forge = async (header: JWTHeaderParameters) => {
    const { privateKey, publicKey } = await foreign;
    const payload = { ...claims, iss: provider.issuer, aud: AUDIENCE, sub: "mallory" };
    const jwk = await exportJWK(publicKey);
    const token = new SignJWT(payload).setProtectedHeader({ ...header, ...("jwk" in header && { jwk }) });
    return token.setIssuedAt().setExpirationTime("10m").sign(privateKey);
  };
  const good = { alg: "RS256", typ: "at+jwt", kid: "first" };
  test.each<[string, JWTHeaderParameters]>([
    ["signed by a foreign key", good],
    ["without a kid", { alg: "RS256", typ: "at+jwt" }],
    ["with a path as kid", { ...good, kid: "../../../../etc/passwd" }],
    ["with a URL as kid", { ...good, kid: "http://127.0.0.1:9/keys.json" }],
    ["with its own key", { ...good, jwk: {} }],
    ["with a foreign jku", { ...good, jku: "http://127.0.0.1:9/keys.json" }],
    ["with a foreign x5u", { ...good, x5u: "http://127.0.0.1:9/chain.pem" }],
  ])("%s is refused", async (_name, header) => {
    const { authenticate } = verifierOf();
    const token = await forge(header);
    await expect(Promise.resolve().then(() => authenticate(token))).rejects.toMatchObject(refused);
  });

  test("with an unknown kid asks the provider at most once per pause, however many there are", async () => {
    const own = await ownProvider();
    const { authenticate } = verifierOf({ pauseMs: 600_000 }, own);
    await authenticate(await own.token(claims));
    const before = own.keyRequests();
    for (let n = 0; n < 20; n++) {
      const token = await forge({ ...good, kid: `unknown-${n}` });
      await expect(Promise.resolve(authenticate(token))).rejects.toMatchObject(refused);
    }
    expect(own.keyRequests()).toBe(before);
  });
});

describe("keys", () => {
  test("rotate under load: tokens of the old key and of the new one are accepted", async () => {
    const own = await ownProvider();
    const { authenticate } = verifierOf({ pauseMs: 1 }, own);
    const old = await own.token(claims);
    for (let round = 0; round < 3; round++) {
      await own.rotate();
      const tokens = await Promise.all(Array.from({ length: 5 }, () => own.token(claims)));
      const callers = await Promise.all([old, ...tokens, ...tokens].map((token) => authenticate(token)));
      expect(callers).toEqual(callers.map(() => alice));
    }
  });

  test("that the provider revokes make their tokens useless at the next check", async () => {
    const own = await ownProvider();
    let nowMs = Date.now();
    const { authenticate } = verifierOf({ pauseMs: 1, refreshMs: 1, recheckMs: 1000, nowMs: () => nowMs }, own);
    const token = await own.token(claims);
    expect(await authenticate(token)).toEqual(alice);
    await own.rotate();
    await own.retire();
    expect(authenticate(token)).toEqual(alice);
    nowMs += 2000;
    // The first token after that triggers the fetch.
    expect(await authenticate(await own.token(claims))).toEqual(alice);
    await expect(Promise.resolve(authenticate(token))).rejects.toMatchObject(refused);
  });

  test("are kept while the provider is down; a token with an unknown key is told to retry", async () => {
    const own = await ownProvider();
    const { authenticate, readiness } = verifierOf({ pauseMs: 1, refreshMs: 1 }, own);
    await authenticate(await own.token(claims));
    const later = await own.token(claims);
    await own.rotate();
    const unknown = await own.token(claims);
    own.pause();
    expect(await authenticate(later)).toEqual(alice);
    expect(readiness.check().ready).toBe(true);
    await expect(Promise.resolve(authenticate(unknown))).rejects.toMatchObject(away);
    own.resume();
    await expect.poll(() => authenticate(unknown)).toEqual(alice);
  });

  test("that never loaded are reported by readiness, and no token is called invalid for it", async () => {
    const own = await ownProvider();
    const token = await own.token(claims);
    own.pause();
    const { authenticate, readiness } = verifierOf({ pauseMs: 1 }, own);
    await expect(Promise.resolve(authenticate(token))).rejects.toMatchObject(away);
    expect(readiness.check()).toMatchObject({ ready: false, detail: expect.stringContaining("identity provider") });
    own.resume();
    await expect.poll(() => readiness.check().ready).toBe(true);
    expect(await authenticate(token)).toEqual(alice);
  });

  test("from another issuer's discovery document are refused", async () => {
    const own = await ownProvider();
    const issuer = `${own.issuer}/`;
    const { authenticate } = openIdVerifier(targetOf(issuer));
    await expect(Promise.resolve(authenticate(await own.token(claims)))).rejects.toMatchObject(away);
  });
});

test.each<[Readonly<Record<string, string>>, string]>([
  [{ IDENTITY: "login.example" }, "IDENTITY must be an https:// URL"],
  [{ IDENTITY: "http://login.example" }, "IDENTITY must be an https:// URL"],
  [{ IDENTITY: "https://user:planted@login.example", IDENTITY_AUDIENCE: "a" }, "IDENTITY must be an https:// URL"],
  [{ IDENTITY: "https://login.example" }, "IDENTITY_AUDIENCE is not set"],
  [{ IDENTITY_AUDIENCE: "a" }, "are for an issuer's URL in IDENTITY"],
  [
    { IDENTITY: "https://a.example", IDENTITY_AUDIENCE: "a", IDENTITY_ALGORITHM: "HS256" },
    "IDENTITY_ALGORITHM must be",
  ],
  [{ IDENTITY_ROLE_CLAIM: "a b" }, "IDENTITY_ROLE_CLAIM must be a claim's name"],
])("%o is refused, and says what to do", (environment, message) => {
  const read = () => readConfiguration({ identity: identityPart }, environment);
  expect(read).toThrow(message);
  expect(read).not.toThrow("planted");
});

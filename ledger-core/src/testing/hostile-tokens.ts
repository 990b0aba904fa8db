import { createHmac, createPublicKey } from "node:crypto";
import { exportSPKI, importJWK, type JWTHeaderParameters, SignJWT } from "jose";
import { createSigningKeys, type SigningKeys, signToken } from "../http/tokens.ts";

export type HostileToken = { readonly name: string; readonly token: string };

const claims = { tenant: "hostile", role: "operator" };

/** Tokens that must all be answered with 401, forged with and without keys that the server trusts. */
export async function hostileTokens(keys: SigningKeys): Promise<readonly HostileToken[]> {
  const good = { alg: "EdDSA", typ: "at+jwt", kid: keys.kid };
  const foreign = await createSigningKeys();
  const subject = { tenant: "hostile", role: "operator", sub: "mallory" } as const;
  const valid = await signToken({ ...subject, ttlSeconds: 600 }, keys);
  const [head = "", body = "", signature = ""] = valid.split(".");
  return [
    { name: "no JWT at all", token: "opaque" },
    { name: "alg none, no signature", token: `${encode({ alg: "none", typ: "at+jwt" })}.${body}.` },
    { name: "alg none, known kid", token: `${encode({ ...good, alg: "none" })}.${body}.${signature}` },
    { name: "alg nOnE", token: `${encode({ ...good, alg: "nOnE" })}.${body}.` },
    { name: "HS256 with the public key", token: await hmacWithPublicKey(keys) },
    { name: "signature cut off", token: `${head}.${body}.` },
    { name: "signature of other claims", token: `${head}.${encode({ ...claims, sub: "admin" })}.${signature}` },
    { name: "signed by a foreign key under our kid", token: await forge({ ...foreign, kid: keys.kid }, good) },
    {
      name: "signed by a foreign key under its own kid",
      token: await signToken({ ...subject, ttlSeconds: 600 }, foreign),
    },
    { name: "no kid", token: await forge(keys, { alg: "EdDSA", typ: "at+jwt" }) },
    { name: "kid with a path", token: await forge(keys, { ...good, kid: "../../../../dev/null" }) },
    { name: "foreign jku", token: await forge(keys, { ...good, jku: "http://127.0.0.1:9/keys.json" }) },
    { name: "foreign x5u", token: await forge(keys, { ...good, x5u: "http://127.0.0.1:9/chain.pem" }) },
    { name: "key in the header", token: await forge(foreign, { ...good, jwk: foreign.publicKey }) },
    { name: "unknown critical extension", token: await forge(keys, { ...good, crit: ["b64"], b64: true }) },
    { name: "wrong typ", token: await forge(keys, { ...good, typ: "JWT" }) },
    { name: "no typ", token: await forge(keys, { alg: "EdDSA", kid: keys.kid }) },
    { name: "expired", token: await forge(keys, good, { expires: "-1s" }) },
    { name: "no expiry", token: await forge(keys, good, { expires: null }) },
    { name: "not valid yet", token: await forge(keys, good, { claims: { nbf: 4_000_000_000 } }) },
    { name: "wrong issuer", token: await forge(keys, good, { claims: { iss: "someone" } }) },
    { name: "wrong audience", token: await forge(keys, good, { claims: { aud: "someone" } }) },
    { name: "unknown role", token: await forge(keys, good, { claims: { role: "root" } }) },
    { name: "role list", token: await forge(keys, good, { claims: { role: ["operator"] } }) },
    { name: "no tenant", token: await forge(keys, good, { claims: { tenant: undefined } }) },
    { name: "tenant outside the grammar", token: await forge(keys, good, { claims: { tenant: "a\nb" } }) },
    { name: "subject outside the grammar", token: await forge(keys, good, { claims: { sub: "' OR 1=1--" } }) },
    { name: "subject of a rail's clearing account", token: await forge(keys, good, { claims: { sub: "rail:fps" } }) },
    { name: "subject of the ledger's own", token: await forge(keys, good, { claims: { sub: "ledger:fees" } }) },
    { name: "subject of a transit account", token: await forge(keys, good, { claims: { sub: "transit:1" } }) },
    { name: "longer than 4 KiB", token: await forge(keys, good, { claims: { padding: "x".repeat(5000) } }) },
  ];
}

type Forgery = { readonly expires?: string | null; readonly claims?: Readonly<Record<string, unknown>> };

async function forge(keys: SigningKeys, header: JWTHeaderParameters, forgery: Forgery = {}): Promise<string> {
  const { expires = "10m", claims: altered } = forgery;
  const payload = { iss: "payledger", aud: "payledger", sub: "mallory", ...claims, ...altered };
  const token = new SignJWT(payload).setProtectedHeader(header).setIssuedAt();
  if (expires !== null) token.setExpirationTime(expires);
  const critical = header.crit?.map((name) => [name, true] as const) ?? [];
  return token.sign(await importJWK(keys.privateKey, "EdDSA"), { crit: Object.fromEntries(critical) });
}

/** The classic algorithm confusion: the text of the public key used as a shared secret. */
async function hmacWithPublicKey(keys: SigningKeys): Promise<string> {
  const secret = await exportSPKI(createPublicKey({ key: keys.publicKey, format: "jwk" }));
  const exp = Math.floor(Date.now() / 1000) + 600;
  const payload = { iss: "payledger", aud: "payledger", sub: "mallory", ...claims, exp };
  const signed = `${encode({ alg: "HS256", typ: "at+jwt", kid: keys.kid })}.${encode(payload)}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

import { configurationPart } from "./configuration.ts";
import { documented, integer, oneOf, optionalText, type Setting, textOr } from "./env.ts";

export const tokenAlgorithms = ["RS256", "PS256", "ES256", "ES384", "EdDSA"] as const;

/** Who issues the callers' tokens: the ledger itself, with the key pair in its data folder, or an OpenID provider. */
export type IdentityTarget = { readonly kind: "embedded" } | OpenIdTarget;

export type OpenIdTarget = {
  readonly kind: "openid";
  readonly issuer: string;
  readonly audience: string;
  /** The URL of the provider's keys; if absent, its discovery document has it. */
  readonly jwks?: string;
  readonly algorithm: (typeof tokenAlgorithms)[number];
  /** The `typ` of access tokens. */
  readonly tokenType: string;
  readonly claims: {
    readonly tenant: string;
    readonly role: string;
    readonly owner: string;
    /** The token's own id and that of its session, by which it can be revoked. */
    readonly id: string;
    readonly session: string;
  };
  /** Tokens that were made for longer are refused. */
  readonly tokenDays: number;
};

/** An https URL, or an http URL on this machine; compared verbatim with the tokens' `iss`. */
function providerUrl(): Setting<string | undefined> {
  const local = new Set(["127.0.0.1", "[::1]", "localhost"]);
  return {
    absent: { allowed: true, value: undefined },
    parse(text) {
      const url = URL.canParse(text) ? new URL(text) : undefined;
      const safe = url?.protocol === "https:" || (url?.protocol === "http:" && local.has(url.hostname));
      if (!url || !safe || url.username !== "" || url.password !== "")
        return { fault: "must be an https:// URL without credentials (http:// only on this machine)" };
      return { value: text };
    },
  };
}

const issuer: Setting<string | undefined> = {
  absent: { allowed: true, value: undefined },
  standard: "embedded",
  parse: (text) => (text === "embedded" ? { value: undefined } : providerUrl().parse(text)),
};

const claimName: (otherwise: string) => Setting<string> = (otherwise) => ({
  ...textOr(otherwise),
  parse: (text) =>
    /^[A-Za-z0-9_:/.-]{1,100}$/.test(text)
      ? { value: text }
      : { fault: "must be a claim's name: 1 to 100 letters, digits and _:/.-" },
});

export const identityPart = configurationPart({
  settings: {
    IDENTITY: documented(
      "Who makes tokens: `embedded` (`ledger token`, keys in the data folder), or an OpenID issuer's URL.",
      issuer,
    ),
    IDENTITY_AUDIENCE: documented("The audience (`aud`) that tokens must be for.", optionalText()),
    IDENTITY_JWKS: documented("Where the issuer's keys are; default: where its discovery says.", providerUrl()),
    IDENTITY_ALGORITHM: documented("The one algorithm of its tokens.", oneOf(tokenAlgorithms, "RS256")),
    IDENTITY_TOKEN_TYPE: documented("The `typ` of its access tokens; `JWT` for Entra ID.", textOr("at+jwt")),
    IDENTITY_TENANT_CLAIM: documented("The claim with the tenant; `tid` for Entra ID.", claimName("tenant")),
    IDENTITY_ROLE_CLAIM: documented(
      "The claim with the role, or a list with one; `roles` for Entra.",
      claimName("role"),
    ),
    IDENTITY_OWNER_CLAIM: documented("The claim with the owner; `oid` for Entra ID.", claimName("sub")),
    IDENTITY_ID_CLAIM: documented("The claim with the token's own id; `uti` for Entra ID.", claimName("jti")),
    IDENTITY_SESSION_CLAIM: documented("The claim with the id of its session.", claimName("sid")),
    IDENTITY_TOKEN_DAYS: documented(
      "Days that a token may be made for: a longer one is refused, and revocations are kept as long.",
      integer({ min: 1, max: 400, otherwise: 400 }),
    ),
  },
  check({ IDENTITY, IDENTITY_AUDIENCE, IDENTITY_JWKS }, fault) {
    if (IDENTITY !== undefined && IDENTITY_AUDIENCE === undefined)
      fault("IDENTITY_AUDIENCE is not set: without it, tokens that the issuer made for others would be good here");
    if (IDENTITY === undefined && (IDENTITY_AUDIENCE !== undefined || IDENTITY_JWKS !== undefined))
      fault("IDENTITY_AUDIENCE and IDENTITY_JWKS are for an issuer's URL in IDENTITY");
  },
  build(values): IdentityTarget {
    const { IDENTITY, IDENTITY_AUDIENCE, IDENTITY_JWKS } = values;
    if (IDENTITY === undefined || IDENTITY_AUDIENCE === undefined) return { kind: "embedded" };
    return {
      ...{ kind: "openid", issuer: IDENTITY, audience: IDENTITY_AUDIENCE, algorithm: values.IDENTITY_ALGORITHM },
      ...(IDENTITY_JWKS !== undefined && { jwks: IDENTITY_JWKS }),
      tokenType: values.IDENTITY_TOKEN_TYPE,
      claims: {
        tenant: values.IDENTITY_TENANT_CLAIM,
        role: values.IDENTITY_ROLE_CLAIM,
        owner: values.IDENTITY_OWNER_CLAIM,
        id: values.IDENTITY_ID_CLAIM,
        session: values.IDENTITY_SESSION_CLAIM,
      },
      tokenDays: values.IDENTITY_TOKEN_DAYS,
    };
  },
});

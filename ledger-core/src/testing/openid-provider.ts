import { createServer } from "node:http";
import { exportJWK, generateKeyPair, type JWK } from "jose";
import { Provider } from "oidc-provider";

/** A real OpenID provider on the loopback interface. */
export type TestProvider = {
  readonly issuer: string;
  /** The number of requests for its keys. */
  readonly keyRequests: () => number;
  /** A new access token by the client credentials grant, with these claims beside the provider's own. */
  token(claims: Readonly<Record<string, unknown>>): Promise<string>;
  /** Signs with a new key from now on; tokens of earlier keys remain valid until `retire`. */
  rotate(): Promise<void>;
  /** Publishes only the newest key. */
  retire(): Promise<void>;
  /** Stops answering until `resume`. */
  pause(): void;
  resume(): void;
  close(): Promise<void>;
};

export const AUDIENCE = "https://ledger.example";
const client = { client_id: "till", client_secret: "loopback-only" };

export async function startOpenIdProvider(): Promise<TestProvider> {
  const keys: JWK[] = [await signingKey("first")];
  let claims: Readonly<Record<string, unknown>> = {};
  let paused = false;
  let keyRequests = 0;
  let handle: ReturnType<Provider["callback"]>;
  const server = createServer((request, response) => {
    if (request.url === "/jwks") keyRequests++;
    if (paused) request.socket.destroy();
    else void handle(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const issuer = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  const publish = () => {
    handle = providerOf(issuer, keys, () => claims).callback();
  };
  publish();
  return {
    issuer,
    keyRequests: () => keyRequests,
    async token(wanted) {
      claims = wanted;
      const response = await fetch(`${issuer}/token`, {
        method: "POST",
        body: new URLSearchParams({ grant_type: "client_credentials", resource: AUDIENCE, scope: "ledger", ...client }),
      });
      const body: unknown = await response.json();
      if (typeof body === "object" && body !== null && "access_token" in body) return String(body.access_token);
      throw new Error(`no token: ${JSON.stringify(body)}`);
    },
    async rotate() {
      keys.unshift(await signingKey(`key-${keys.length}`));
      publish();
    },
    async retire() {
      keys.splice(1);
      publish();
    },
    pause() {
      paused = true;
    },
    resume() {
      paused = false;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function signingKey(kid: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair("RS256", { extractable: true });
  return { ...(await exportJWK(privateKey)), kid, use: "sig", alg: "RS256" };
}

function providerOf(issuer: string, keys: readonly JWK[], claims: () => Readonly<Record<string, unknown>>): Provider {
  return new Provider(issuer, {
    jwks: { keys: [...keys] },
    clients: [{ ...client, grant_types: ["client_credentials"], redirect_uris: [], response_types: [] }],
    scopes: ["ledger"],
    extraTokenClaims: () => ({ ...claims() }),
    ttl: { ClientCredentials: 600 },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({
          scope: "ledger",
          audience: AUDIENCE,
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: "RS256" } },
        }),
      },
    },
  });
}

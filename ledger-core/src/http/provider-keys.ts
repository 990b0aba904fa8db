import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey } from "jose";
import { LedgerError } from "../domain/errors.ts";

export type ProviderKeysOptions = {
  /** Age at which keys are fetched again in the background. 1 to 86,400,000. Default 600,000 ms. */
  readonly refreshMs?: number;
  /**
   * Least time between two fetches, so that tokens with unknown key ids cannot flood the provider. 1 to 600,000.
   * Default 5,000 ms.
   */
  readonly pauseMs?: number;
  /** Timeout of a request to the provider. 1 to 60,000. Default 5,000 ms. */
  readonly timeoutMs?: number;
  readonly nowMs?: () => number;
};

/** The keys of an OpenID provider. */
export type ProviderKeys = {
  /**
   * Finds the key of a token's header, which must not name a URL. @throws LedgerError not_ready if the provider does
   * not answer and no known key fits; JOSEError if there is no such key
   */
  readonly find: JWTVerifyGetKey;
  /** Fetches the keys if there are none yet. @throws LedgerError not_ready */
  load(): Promise<void>;
  /** How many keys are loaded; 0 before the first fetch. */
  count(): number;
};

/**
 * Fetches and caches a provider's keys. An unknown key id triggers a fetch, old keys are refreshed, and while the
 * provider is down the last keys remain valid. `jwks` is the URL of the keys; without it, the discovery document has
 * it.
 */
export function providerKeys(
  { issuer, jwks }: { readonly issuer: string; readonly jwks?: string },
  options: ProviderKeysOptions = {},
): ProviderKeys {
  const { refreshMs = 600_000, pauseMs = 5_000, timeoutMs = 5_000, nowMs = () => performance.now() } = options;
  type KeySet = ReturnType<typeof createRemoteJWKSet>;
  let keys: KeySet | undefined;
  let failedAtMs = Number.NEGATIVE_INFINITY;
  let refreshedAtMs = nowMs();

  /** Makes one request to the provider; after a failure, the next must wait. */
  async function ask(url: string, init: RequestInit): Promise<Response> {
    if (nowMs() < failedAtMs + pauseMs) throw unreachable(url);
    try {
      const response = await fetch(url, init);
      if (response.status !== 200) throw new Error(`status ${response.status}`);
      refreshedAtMs = nowMs();
      return response;
    } catch (error) {
      failedAtMs = nowMs();
      throw unreachable(url, error);
    }
  }

  async function discover(): Promise<string> {
    const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
    const response = await ask(url, { redirect: "manual", signal: AbortSignal.timeout(timeoutMs) });
    const document: unknown = await response.json().catch(() => null);
    const found = typeof document === "object" && document !== null ? document : {};
    if ("issuer" in found && found.issuer === issuer && "jwks_uri" in found && typeof found.jwks_uri === "string")
      return found.jwks_uri;
    throw new LedgerError("not_ready", `${url} is not the discovery document of ${issuer}`, { retryable: true });
  }

  async function keySet(): Promise<KeySet> {
    const url = jwks ?? (await discover());
    keys ??= createRemoteJWKSet(new URL(url), {
      cooldownDuration: pauseMs,
      // Keys never expire by age: `refresh` renews them, and while the provider is down the old ones remain valid.
      cacheMaxAge: Number.POSITIVE_INFINITY,
      timeoutDuration: timeoutMs,
      [customFetch]: ask,
    });
    return keys;
  }

  function refresh(set: KeySet): void {
    if (nowMs() < refreshedAtMs + refreshMs || set.reloading) return;
    set.reload().catch(() => undefined);
  }

  return {
    async find(header, token) {
      const set = keys ?? (await keySet());
      refresh(set);
      return set(header, token);
    },
    async load() {
      const set = keys ?? (await keySet());
      if (set.jwks() === undefined) await set.reload();
    },
    count: () => keys?.jwks()?.keys.length ?? 0,
  };
}

/** Whether the keys could not be fetched, as opposed to an invalid token. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof LedgerError || error instanceof errors.JWKSTimeout;
}

function unreachable(url: string, cause?: unknown): LedgerError {
  const why = cause instanceof Error ? `: ${cause.message}` : "";
  return new LedgerError("not_ready", `the identity provider does not answer at ${url}${why}`, {
    retryable: true,
    cause,
  });
}

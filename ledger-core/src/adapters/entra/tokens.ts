import { LedgerError } from "../../domain/errors.ts";
import type { EntraTarget } from "../../process/entra-login.ts";
import type { Secret } from "../../process/env.ts";

/** The access tokens of one identity for one kind of server, used as passwords. No message ever contains one. */
export type EntraTokens = Secret & {
  /**
   * A token that is valid now. Fetches the next one in the background before it expires, and waits only if there is
   * none. @throws LedgerError store_unavailable
   */
  current(): Promise<string>;
  /** When the present one expires, in ms since the epoch; undefined before the first. */
  expiresAtMs(): number | undefined;
  /** Says that a server refused the present one: it is replaced even though it has not expired. */
  refused(): void;
};

export type EntraTuning = {
  /** How long before a token expires the next one is fetched, in ms. 1000 to 3,600,000. Default 300,000. */
  readonly renewBeforeMs: number;
  /**
   * The least time between two requests, so that refused logins cannot flood Entra, in ms. 0 to 600,000. Default 5000.
   */
  readonly renewEveryMs: number;
  /** How long a request may take, in ms. 100 to 60,000. Default 5000. */
  readonly timeoutMs: number;
};

const entraTuning: EntraTuning = { renewBeforeMs: 300_000, renewEveryMs: 5000, timeoutMs: 5000 };

type Token = { readonly text: string; readonly expiresAtMs: number };

/** Exchanges the workload's own token, which the cluster renews in its file, for access tokens (RFC 7523). */
export function openEntraTokens(target: EntraTarget, options: Partial<EntraTuning> = {}): EntraTokens {
  const tuning = { ...entraTuning, ...options };
  let present: Token | undefined;
  let unusable = false;
  let asking: Promise<void> | undefined;
  let askedAtMs = Number.NEGATIVE_INFINITY;
  let fault: unknown;

  const isValid = () => present !== undefined && !unusable && Date.now() < present.expiresAtMs;

  async function ask(): Promise<void> {
    askedAtMs = performance.now();
    try {
      present = await exchange(target, tuning.timeoutMs);
      unusable = false;
    } catch (error) {
      fault = error;
    }
  }

  function renew(): Promise<void> {
    const early = performance.now() < askedAtMs + tuning.renewEveryMs;
    if (!asking && !early) asking = ask().finally(() => (asking = undefined));
    return asking ?? Promise.resolve();
  }

  return {
    reveal: () => present?.text ?? "",
    expiresAtMs: () => present?.expiresAtMs,
    async current() {
      const isDue = !present || Date.now() >= present.expiresAtMs - tuning.renewBeforeMs;
      if (!isValid()) await renew();
      else if (isDue) void renew();
      if (!present || Date.now() >= present.expiresAtMs) throw fault ?? unavailable("the last one has expired");
      return present.text;
    },
    refused() {
      unusable = true;
      void renew();
    },
  };
}

async function exchange({ authority, tenant, client, assertion, scope }: EntraTarget, ms: number): Promise<Token> {
  const form = {
    grant_type: "client_credentials",
    client_id: client,
    scope,
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: assertion.reveal(),
  };
  const askedAtMs = Date.now();
  let response: Response;
  let body: unknown;
  try {
    const url = new URL(`${tenant}/oauth2/v2.0/token`, authority);
    const signal = AbortSignal.timeout(ms);
    response = await fetch(url, { method: "POST", body: new URLSearchParams(form), redirect: "error", signal });
    body = await response.json();
  } catch (cause) {
    throw unavailable("no answer from Entra", cause);
  }
  const { access_token: text, expires_in: seconds, error, error_codes: codes } = fieldsOf(body);
  if (response.status === 200 && typeof text === "string" && text !== "" && Number(seconds) > 0)
    return { text, expiresAtMs: askedAtMs + Number(seconds) * 1000 };
  // The description of an error may name tokens and people: only its codes are told.
  const told = [error, ...(Array.isArray(codes) ? codes : [])].filter((code) => /^\w{1,40}$/.test(String(code)));
  throw unavailable(`status ${response.status} ${told.join(" ")}`.trim());
}

function fieldsOf(body: unknown): Readonly<Record<string, unknown>> {
  return typeof body === "object" && body !== null ? { ...body } : {};
}

function unavailable(why: string, cause?: unknown): LedgerError {
  return new LedgerError("store_unavailable", `Entra tokens: ${why}`, { retryable: true, cause });
}

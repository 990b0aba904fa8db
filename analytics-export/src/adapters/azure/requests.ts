import { setTimeout as delay } from "node:timers/promises";
import { LedgerError } from "ledger-core";
import type { EntraTuning } from "ledger-core/entra";

/** How requests to Azure Storage wait and are made again; each field states its default. */
export type AzureTuning = {
  /** How long one request may take, in ms. 100 to 600,000. Default 60,000. */
  readonly timeoutMs?: number;
  /** How often a request is made while the storage is busy or does not answer. 1 to 20. Default 4. */
  readonly tries?: number;
  /** The pause before the second try where the storage names none, in ms; then doubled. 0 to 60,000. Default 500. */
  readonly pauseMs?: number;
  /** The longest pause that the storage may ask for, in ms. 0 to 300,000. Default 30,000. */
  readonly pauseMaxMs?: number;
  /** How access tokens are fetched, where the login is a workload identity. */
  readonly entra?: Partial<EntraTuning>;
};

/** The purpose of a request, as errors name it: `the lake cannot write postings/…`. */
type Purpose = { readonly verb: string; readonly path: string };

type Requester = <Result>(purpose: Purpose, work: (abortSignal: AbortSignal) => Promise<Result>) => Promise<Result>;

const busyStatuses: ReadonlySet<number | undefined> = new Set([undefined, 408, 429, 500, 502, 503, 504]);
const UNAUTHORIZED = 401;

/**
 * Makes requests, and makes one again if no answer came, the storage is busy, or it refused an access token, which
 * `tokenRefused` then replaces. A request throws LedgerError store_unavailable, without the driver's error, which holds
 * the request with its credentials.
 */
export function requester(tuning: AzureTuning, tokenRefused: (() => void) | undefined): Requester {
  const { timeoutMs = 60_000, tries = 4, pauseMs = 500, pauseMaxMs = 30_000 } = tuning;
  return async ({ verb, path }, work) => {
    const unavailable = (why: string) =>
      new LedgerError("store_unavailable", `the lake cannot ${verb} ${path}: ${why}`);
    for (let attempt = 1; ; attempt++) {
      const timeout = AbortSignal.timeout(timeoutMs);
      try {
        return await work(timeout);
      } catch (error) {
        // No access token was given, and why.
        if (error instanceof LedgerError) throw unavailable(error.message);
        const refusal = refusalOf(error);
        if (refusal === undefined) throw error;
        const { status, code, afterMs = pauseMs * 2 ** (attempt - 1) } = refusal;
        const tokenIsRefused = status === UNAUTHORIZED && tokenRefused !== undefined;
        if (tokenIsRefused) tokenRefused();
        if ((tokenIsRefused || busyStatuses.has(status)) && attempt < tries) await delay(Math.min(afterMs, pauseMaxMs));
        else if (timeout.aborted) throw unavailable(`no answer within ${timeoutMs} ms`);
        else throw unavailable([code, status].filter(Boolean).join(", status "));
      }
    }
  };
}

/** Turns the storage's answers of these codes into a value. */
export function answered<Result>(codes: readonly string[], result: Result): (error: unknown) => Result {
  return (error) => {
    const code = refusalOf(error)?.code;
    if (code !== undefined && codes.includes(code)) return result;
    throw error;
  };
}

type Refusal = { readonly status?: number; readonly code: string; readonly afterMs?: number };

const MS_A_SECOND = 1000;

/** The driver's error in our terms; undefined for any other error, which is a bug. */
function refusalOf(error: unknown): Refusal | undefined {
  if (!(error instanceof Error) || !(error.name === "RestError" || error.name === "AbortError" || "code" in error))
    return undefined;
  const driver: Driver & Error = error;
  const { statusCode, code, response } = driver;
  const seconds = Number(response?.headers?.get("retry-after") ?? Number.NaN);
  return {
    ...(typeof statusCode === "number" && { status: statusCode }),
    code: typeof code === "string" ? code : error.name,
    ...(seconds >= 0 && { afterMs: seconds * MS_A_SECOND }),
  };
}

type Driver = {
  readonly statusCode?: unknown;
  readonly code?: unknown;
  readonly response?: { readonly headers?: { get(name: string): string | undefined } };
};

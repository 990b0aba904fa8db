import { setTimeout as delay } from "node:timers/promises";
import { formatPosition, isLedgerError, LedgerError, type Position, parsePosition } from "ledger-core";
import { asObject, textOf } from "./json.ts";

export type ApiReply = {
  readonly status: number;
  readonly body: unknown;
  readonly position: Position | undefined;
  /** Whether this is the stored answer to an earlier request with the same key. */
  readonly replayed: boolean;
};

/** The API client of the command line: one origin, one token, and retries where they are safe. */
export type LedgerClient = {
  readonly url: string;
  /** `atLeast`: asks for data at this position or later, and waits for it. */
  get(path: string, atLeast?: Position): Promise<ApiReply>;
  /** Every POST has a key, so a request whose answer was lost is resent with the same key and body. */
  post(path: string, key: string, body: unknown): Promise<ApiReply>;
};

/** The server's refusal of one request, an RFC 9457 problem. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, detail: string, request: string) {
    super(`${request}: ${status} ${code}: ${detail}`);
    this.name = "Problem";
    this.status = status;
    this.code = code;
  }
}

export type ClientOptions = {
  readonly url: string;
  readonly token: string;
  /** How long a request is retried while the server is unreachable or asks to wait, in milliseconds. */
  readonly patienceMs: number;
  /** Called once when a wait begins, to tell the user why nothing happens. */
  readonly onWait?: (reason: string) => void;
};

const REQUEST_TIMEOUT_MS = 60_000;
const PAUSE_MIN_MS = 50;
const PAUSE_MAX_MS = 2_000;

/**
 * Makes a client of a running ledger. @throws Problem for a refusal, LedgerError store_unavailable after the retries
 */
export function createClient(options: ClientOptions): LedgerClient {
  const headers = { authorization: `Bearer ${options.token}` };
  return {
    url: options.url,
    get(path, atLeast) {
      const extra = atLeast ? { "ledger-position": formatPosition(atLeast), "ledger-wait": "10000" } : {};
      return patiently(options, "GET", path, { headers: { ...headers, ...extra } });
    },
    post(path, key, body) {
      return patiently(options, "POST", path, {
        method: "POST",
        headers: { ...headers, "content-type": "application/json", "idempotency-key": key },
        body: JSON.stringify(body),
      });
    },
  };
}

async function patiently(options: ClientOptions, method: string, path: string, init: RequestInit): Promise<ApiReply> {
  const request = `${method} ${path}`;
  const until = Date.now() + options.patienceMs;
  let pauseMs = PAUSE_MIN_MS;
  for (let attempt = 1; ; attempt++) {
    const outcome = await once(new URL(path, options.url), init, request);
    if ("reply" in outcome) return outcome.reply;
    const waitMs = Math.max(outcome.retryAfterMs, pauseMs);
    if (Date.now() + waitMs > until) {
      throw new LedgerError("store_unavailable", `${request}: gave up after ${attempt} attempts: ${outcome.again}`, {
        retryable: true,
        cause: outcome.cause,
      });
    }
    if (attempt === 2) options.onWait?.(`${outcome.again}; trying again`);
    await delay(waitMs);
    pauseMs = Math.min(pauseMs * 2, PAUSE_MAX_MS);
  }
}

type Outcome =
  | { readonly reply: ApiReply }
  | { readonly again: string; readonly retryAfterMs: number; readonly cause?: unknown };

async function once(url: URL, init: RequestInit, request: string): Promise<Outcome> {
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(url, { ...init, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
    const text = await response.text();
    body = text === "" ? null : JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw new ApiProblem(0, "not_json", `${url.origin} answers no JSON`, request);
    return { again: `no answer from ${url.origin} (${reasonOf(error)})`, retryAfterMs: 0, cause: error };
  }
  if (response.ok) {
    const position = parsePosition(response.headers.get("ledger-position") ?? "");
    const replayed = response.headers.get("idempotency-replayed") === "true";
    return { reply: { status: response.status, body, position, replayed } };
  }
  const problem = asObject(body);
  const code = textOf(problem, "code") ?? "unknown";
  const detail = textOf(problem, "detail") ?? textOf(problem, "title") ?? response.statusText;
  if (isTemporary(response.status, code)) {
    return { again: `${url.origin} answers ${response.status} ${code}`, retryAfterMs: retryAfter(response.headers) };
  }
  throw new ApiProblem(response.status, code, detail, request);
}

function isTemporary(status: number, code: string): boolean {
  return status === 503 || status === 429 || (status === 409 && code === "idempotency_key_in_progress");
}

function retryAfter(headers: Headers): number {
  const seconds = Number(headers.get("retry-after") ?? "0");
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 0;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error && "code" in error.cause) return String(error.cause.code);
  return error.message;
}

/** Describes a failed request for the user. */
export function failureText(error: unknown): string {
  if (error instanceof ApiProblem && error.status === 401)
    return `${error.message} (is the token of this ledger, and not expired?)`;
  if (error instanceof ApiProblem || isLedgerError(error)) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

import { randomUUID } from "node:crypto";

export type ClientReply = {
  readonly status: number;
  readonly headers: Headers;
  /** The raw body, to compare byte for byte. */
  readonly text: string;
  /** The body as JSON; undefined if it is not JSON. */
  readonly body: unknown;
};

export type PostOptions = { readonly key?: string; readonly headers?: Readonly<Record<string, string>> };

/**
 * One caller of the ledger. Its queries require at least the newest position of any command answered by this server.
 */
export type Client = {
  readonly token: string;
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<ClientReply>;
  post(path: string, body?: unknown, options?: PostOptions): Promise<ClientReply>;
};

/** A client's current server, and the newest position of a command it answered. */
export type Endpoint = { url: string; revision: number };

/** @param timeoutMs after how long a request is given up. Default: never */
export function createClient(endpoint: Endpoint, token: string, timeoutMs?: number): Client {
  const limit = () => (timeoutMs === undefined ? {} : { signal: AbortSignal.timeout(timeoutMs) });
  const authorization = `Bearer ${token}`;
  return {
    token,
    async get(path, headers = {}) {
      const position: Record<string, string> =
        endpoint.revision >= 0 ? { "ledger-position": `0:${endpoint.revision}`, "ledger-wait": "10000" } : {};
      return send(`${endpoint.url}${path}`, { headers: { authorization, ...position, ...headers }, ...limit() });
    },
    async post(path, body, { key = randomUUID(), headers = {} } = {}) {
      const reply = await send(`${endpoint.url}${path}`, {
        method: "POST",
        ...limit(),
        headers: {
          authorization,
          "idempotency-key": key,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      endpoint.revision = Math.max(endpoint.revision, revisionOf(reply));
      return reply;
    },
  };
}

/** The revision in an answer's `Ledger-Position`; -1 if it has none. */
export function revisionOf(reply: ClientReply): number {
  return Number(/^0:(\d+)$/.exec(reply.headers.get("ledger-position") ?? "")?.[1] ?? -1);
}

async function send(url: string, init: RequestInit): Promise<ClientReply> {
  const response = await fetch(url, init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: parse(text) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

import gremlin from "gremlin";
import { LedgerError } from "../../domain/errors.ts";
import { systemRuntime } from "../../process/runtime.ts";
import { type GremlinValue, guardedReader } from "./answers.ts";
import type { GremlinConnection } from "./connection.ts";
import { faultOf } from "./faults.ts";
import { ownSockets, type SocketOwner } from "./sockets.ts";

/** Values of a text's variables: short names that Gremlin does not use itself, such as single letters other than g. */
export type GremlinBindings = Readonly<Record<string, string | number | boolean>>;

/** Counts since the client was opened. */
export type GremlinCounts = { requests: number; throttled: number; connected: number };

const MIME_TYPE = "application/vnd.gremlin-v2.0+json";
const CLOSE_MS = 1000;

/** One of the driver's clients with its sockets. */
type Driver = {
  readonly client: InstanceType<typeof gremlin.driver.Client>;
  readonly sockets: SocketOwner;
  readonly opened: Promise<void>;
  /** Requests that wait for an answer. */
  underWay: number;
};

/**
 * The driver's client in use; it connects at the first request. The driver has no timeouts and is of no use after a
 * timeout, a refused login or a lost connection: its client is then replaced.
 */
export class CurrentDriver {
  readonly #connection: GremlinConnection;
  readonly #openMs: number;
  readonly #counts: GremlinCounts;
  #driver: Driver | undefined;
  #closed = false;

  constructor(connection: GremlinConnection, openMs: number, counts: GremlinCounts) {
    this.#connection = connection;
    this.#openMs = openMs;
    this.#counts = counts;
  }

  /** Sends one request and waits for its answer until `endMs` of the monotonic clock. */
  async submit(text: string, bindings: GremlinBindings, endMs: number): Promise<readonly GremlinValue[]> {
    if (this.#closed) throw new LedgerError("store_unavailable", "the graph's client is closed", { retryable: true });
    if (leftUntil(endMs) === 0)
      throw new LedgerError("store_unavailable", "the graph is too busy", { retryable: true });
    this.#driver ??= this.#connect();
    const one = this.#driver;
    one.underWay++;
    this.#counts.requests++;
    let lost = false;
    try {
      await within(leftUntil(endMs), "connecting", one.opened);
      return (await within(leftUntil(endMs), "a request", one.client.submit(text, bindings))).toArray();
    } catch (error) {
      lost = faultOf(error).kind === "lost";
      throw error;
    } finally {
      one.underWay--;
      if (lost || this.#driver !== one) this.#retire(one);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const one = this.#driver;
    if (!one) return;
    await within(CLOSE_MS, "closing", one.client.close()).catch(() => undefined);
    one.sockets.destroy();
  }

  #connect(): Driver {
    const sockets = ownSockets(this.#connection.tls !== undefined);
    const reader = guardedReader(() => this.#retire(one));
    const client = makeClient(this.#connection, { reader, agent: sockets.agent });
    const opened = within(this.#openMs, "connecting", client.open());
    const one: Driver = { client, sockets, opened, underWay: 0 };
    opened.catch(() => this.#retire(one));
    this.#counts.connected++;
    return one;
  }

  /** No new request uses it; those under way may still be answered. */
  #retire(one: Driver): void {
    if (this.#driver === one) this.#driver = undefined;
    if (one.underWay === 0) one.sockets.destroy();
  }
}

function makeClient(
  { host, port, tls, login }: GremlinConnection,
  parts: { readonly reader: ReturnType<typeof guardedReader>; readonly agent: SocketOwner["agent"] },
): Driver["client"] {
  const { Client, auth } = gremlin.driver;
  return new Client(`${tls ? "wss" : "ws"}://${host}:${port}/gremlin`, {
    ...parts,
    mimeType: MIME_TYPE,
    traversalSource: "g",
    ...(tls?.ca !== undefined && { ca: tls.ca }),
    ...(login && { authenticator: new auth.PlainTextSaslAuthenticator(login.username, login.key.reveal()) }),
  });
}

function leftUntil(endMs: number): number {
  return Math.max(0, endMs - systemRuntime.elapsedMs());
}

/** Bounds how long we wait; the work itself goes on. */
async function within<Result>(ms: number, what: string, work: Promise<Result>): Promise<Result> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`${what} took more than ${Math.ceil(ms)} ms`)), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

import gremlin from "gremlin";
import { LedgerError } from "../../domain/errors.ts";
import { systemRuntime } from "../../process/runtime.ts";
import { type GremlinValue, guardedReader } from "./answers.ts";
import { type GremlinConnection, type GremlinTuning, withDefaults } from "./connection.ts";
import { faultOf, graphError } from "./faults.ts";
import { ownSockets, type SocketOwner } from "./sockets.ts";

/** Values of a text's variables: short names that Gremlin does not use itself, such as single letters other than g. */
export type GremlinBindings = Readonly<Record<string, string | number | boolean>>;

/** Counts since the client was opened. */
export type GremlinCounts = { requests: number; throttled: number; connected: number };

export type GremlinClient = {
  /**
   * Evaluates a text. Texts are constant, since a server compiles each text that it has not seen; what varies is bound.
   * A throttled request is repeated, so a text must have the same effect when it is executed twice.
   * @throws store_unavailable when it may or may not have been executed
   * @throws incompatible when the server refuses it for good
   */
  submit(text: string, bindings: GremlinBindings, options?: SubmitOptions): Promise<readonly GremlinValue[]>;
  /** Like `submit`, for a text that adds an element; false if an element with its id exists. */
  add(text: string, bindings: GremlinBindings): Promise<readonly GremlinValue[] | "exists">;
  readonly counts: Readonly<GremlinCounts>;
  close(): Promise<void>;
};

type SubmitOptions = {
  /** The end of the request, by the monotonic clock; default: after `requestMs`, and `throttledMs` if throttled. */
  readonly deadlineMs?: number;
};

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
 * Opens a client; it connects at the first request. The driver has no timeouts and is of no use after a timeout, a
 * refused login or a lost connection: its client is then replaced.
 */
export function openGremlin(connection: GremlinConnection, tuning?: GremlinTuning): GremlinClient {
  const { openMs, requestMs, parallel, throttledMs, pauseMs } = withDefaults(tuning);
  const counts: GremlinCounts = { requests: 0, throttled: 0, connected: 0 };
  const turns = takeTurns(parallel);
  let driver: Driver | undefined;
  let closed = false;

  /** No new request uses it; those under way may still be answered. */
  function retire(one: Driver): void {
    if (driver === one) driver = undefined;
    if (one.underWay === 0) one.sockets.destroy();
  }

  function connect(): Driver {
    const sockets = ownSockets(connection.tls !== undefined);
    const reader = guardedReader(() => retire(one));
    const client = makeClient(connection, { reader, agent: sockets.agent });
    const opened = within(openMs, "connecting", client.open());
    const one: Driver = { client, sockets, opened, underWay: 0 };
    opened.catch(() => retire(one));
    counts.connected++;
    return one;
  }

  async function once(text: string, bindings: GremlinBindings, endMs: number): Promise<readonly GremlinValue[]> {
    if (closed) throw new LedgerError("store_unavailable", "the graph's client is closed", { retryable: true });
    if (leftUntil(endMs) === 0)
      throw new LedgerError("store_unavailable", "the graph is too busy", { retryable: true });
    driver ??= connect();
    const one = driver;
    one.underWay++;
    counts.requests++;
    let lost = false;
    try {
      await within(leftUntil(endMs), "connecting", one.opened);
      return (await within(leftUntil(endMs), "a request", one.client.submit(text, bindings))).toArray();
    } catch (error) {
      lost = faultOf(error).kind === "lost";
      throw error;
    } finally {
      one.underWay--;
      if (lost || driver !== one) retire(one);
    }
  }

  async function submit(text: string, bindings: GremlinBindings, { deadlineMs }: SubmitOptions = {}) {
    const startMs = systemRuntime.elapsedMs();
    const giveUpMs = deadlineMs ?? startMs + throttledMs;
    while (true) {
      const leave = await turns.enter();
      const endMs = deadlineMs ?? systemRuntime.elapsedMs() + requestMs;
      let afterMs: number;
      try {
        return await once(text, bindings, endMs);
      } catch (error) {
        const fault = faultOf(error);
        if (fault.kind !== "later") throw error;
        afterMs = fault.afterMs ?? pauseMs;
        if (systemRuntime.elapsedMs() + afterMs >= giveUpMs) throw error;
        counts.throttled++;
      } finally {
        leave();
      }
      await systemRuntime.delay(afterMs);
    }
  }

  return {
    submit: (...request) => submit(...request).catch((error: unknown) => Promise.reject(graphError(error))),
    add: (...request) =>
      submit(...request).catch((error: unknown) => {
        if (faultOf(error).kind === "exists") return "exists";
        throw graphError(error);
      }),
    counts,
    async close() {
      closed = true;
      const one = driver;
      if (!one) return;
      await within(CLOSE_MS, "closing", one.client.close()).catch(() => undefined);
      one.sockets.destroy();
    },
  };
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

/** At most `most` at once, in the order in which they came. */
function takeTurns(most: number) {
  const waiting: (() => void)[] = [];
  let inside = 0;
  const leave = () => {
    const next = waiting.shift();
    if (next) next();
    else inside--;
  };
  return {
    async enter(): Promise<() => void> {
      if (inside < most) inside++;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      return leave;
    },
  };
}

import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type RawData, WebSocket, WebSocketServer } from "ws";
import { freePort } from "../child-engine.ts";
import { bytesOf, readAnswer, readRequest, type ServerAnswer } from "./frames.ts";

/** A fault for the next `times` requests whose text fits. */
export type CosmosFault = {
  /** Default 1. */
  readonly times?: number;
  /** Default: any text. */
  readonly text?: RegExp;
  /** `after`: the server has executed the request, and its client does not learn it. Default `before`. */
  readonly when?: "before" | "after";
} & (
  | {
      readonly kind: "refuse";
      /** The status in the attributes: 429, 1007, 1008, 409, 412, 1004 and so on. */
      readonly status: number;
      /** A .NET TimeSpan. */
      readonly retryAfter?: string;
    }
  /** Cuts the connection. */
  | { readonly kind: "cut" }
  /** Never answers. */
  | { readonly kind: "silence" }
  /** Sends a frame that is no answer. */
  | { readonly kind: "odd"; readonly frame: string }
);

export type CosmosProxy = {
  readonly host: string;
  readonly port: number;
  /** The texts that arrived, in order. */
  readonly texts: readonly string[];
  plant(fault: CosmosFault): void;
  /** Removes the faults that are left. */
  mend(): void;
  close(): Promise<void>;
};

export type CosmosOptions = {
  /** The port of the real server. A function may return a different one for each connection. */
  readonly upstream: () => number;
  /** Default: no login. The user is `/dbs/<database>/colls/<graph>`. */
  readonly login?: { readonly username: string; readonly key: string };
  /** PEM of key and certificate; default: no TLS. */
  readonly tls?: { readonly key: string; readonly cert: string };
};

type Planted = { readonly fault: CosmosFault; left: number };

/** A real Gremlin Server behind the manners of Cosmos DB: its login, status attributes, throttling and lost answers. */
export async function startCosmosProxy(options: CosmosOptions): Promise<CosmosProxy> {
  const { tls, upstream, login } = options;
  const planted: Planted[] = [];
  const texts: string[] = [];
  const take = (text: string, when: "before" | "after") => {
    const found = planted.find(
      ({ fault, left }) => left > 0 && (fault.when ?? "before") === when && (fault.text?.test(text) ?? true),
    );
    if (found) found.left--;
    return found?.fault;
  };
  const server = tls ? createHttpsServer(tls) : createHttpServer();
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (client) => {
    const engine = new WebSocket(`ws://127.0.0.1:${upstream()}/gremlin`, { perMessageDeflate: false });
    serve({ client, engine, login, take, note: (text) => texts.push(text) });
  });
  const port = await freePort();
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    host: tls ? "localhost" : "127.0.0.1",
    port,
    texts,
    plant: (fault) => void planted.push({ fault, left: fault.times ?? 1 }),
    mend: () => void planted.splice(0),
    async close() {
      for (const client of sockets.clients) client.terminate();
      sockets.close();
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

type Connected = {
  readonly client: WebSocket;
  readonly engine: WebSocket;
  readonly login: CosmosOptions["login"];
  take(text: string, when: "before" | "after"): CosmosFault | undefined;
  note(text: string): void;
};

/** Forwards one client's requests to the server and its answers back. */
function serve({ client, engine, login, take, note }: Connected): void {
  const opened = once(engine, "open").catch(() => undefined);
  const running = new Map<string, string>();
  const held: { readonly frame: Buffer; readonly id: string; readonly text: string }[] = [];
  let known = login === undefined;
  for (const [one, other] of [
    [client, engine],
    [engine, client],
  ] as const) {
    one.on("error", () => other.terminate());
    one.on("close", () => other.terminate());
  }
  /** Returns whether there was a fault. */
  function harm(fault: CosmosFault | undefined, id: string): boolean {
    if (fault?.kind === "cut") client.terminate();
    if (fault?.kind === "odd") client.send(fault.frame);
    if (fault?.kind === "refuse") client.send(refusal(id, fault.status, fault.retryAfter));
    return fault !== undefined;
  }
  async function run({ frame, id, text }: (typeof held)[number]): Promise<void> {
    running.set(id, text);
    if (harm(take(text, "before"), id)) return;
    await opened;
    if (engine.readyState === WebSocket.OPEN) engine.send(frame);
  }
  client.on("message", (data: RawData) => {
    const frame = bytesOf(data);
    const { id, sasl, text } = readRequest(frame);
    if (sasl !== undefined) {
      known = sasl === `\0${login?.username}\0${login?.key}`;
      for (const request of held.splice(0)) {
        if (known) void run(request);
        else client.send(answer(id, 401, "Unauthorized: Invalid credentials provided", {}));
      }
      return;
    }
    note(text);
    if (known) return void run({ frame, id, text });
    if (held.push({ frame, id, text }) === 1) client.send(answer(id, 407, "", {}));
  });
  engine.on("message", (data: RawData) => {
    const answered = readAnswer(bytesOf(data));
    const text = running.get(answered.requestId) ?? "";
    if (harm(take(text, "after"), answered.requestId)) return;
    client.send(asCosmos(answered));
  });
}

/** The server's answer with the attributes, and the words for a conflict, of Cosmos DB. */
function asCosmos(answered: ServerAnswer): Buffer {
  const { requestId, status } = answered;
  if (status.code === 597 && /with id already exists/.test(status.message)) return refusal(requestId, 409);
  if (status.code >= 300) return Buffer.from(JSON.stringify(answered));
  const attributes = { ...status.attributes, ...charges(200) };
  return Buffer.from(JSON.stringify({ ...answered, status: { ...status, attributes } }));
}

/** Cosmos DB answers with status 500 and says what is wrong in the attributes. */
function refusal(id: string, status: number, retryAfter?: string): Buffer {
  const attributes = { ...charges(status), ...(retryAfter !== undefined && { "x-ms-retry-after-ms": retryAfter }) };
  return answer(id, 500, `\r\n\nActivityId : ${id}\nExceptionType : DocumentClientException\n`, attributes);
}

function answer(requestId: string, code: number, message: string, attributes: object): Buffer {
  return Buffer.from(
    JSON.stringify({ requestId, status: { code, message, attributes }, result: { data: null, meta: {} } }),
  );
}

function charges(status: number): object {
  return {
    "x-ms-status-code": status,
    "x-ms-request-charge": 2.5,
    "x-ms-total-request-charge": 2.5,
    "x-ms-server-time-ms": 1,
    "x-ms-total-server-time-ms": 1,
    "x-ms-activity-id": randomUUID(),
  };
}

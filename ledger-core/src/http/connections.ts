import { Server as NetServer, type Socket } from "node:net";
import { setTimeout as delay, setImmediate as turn } from "node:timers/promises";
import type { FastifyInstance, FastifyReply } from "fastify";
import { LedgerError } from "../domain/errors.ts";
import { rawAnswer } from "./connection-faults.ts";
import type { EdgeLimits } from "./limits.ts";

const RETRY_AFTER_S = 1;
/** How long a refused connection has to take its answer. */
const REFUSED_MS = 1000;
/** How often connections are checked for unread answers. */
const SWEEP_MS = 1000;
/** A client that keeps sending is given up after this many checks. */
const CUT_ROUNDS_MAX = 50;

function stopping(): LedgerError {
  return new LedgerError("not_ready", "The service is stopping.", { retryable: true });
}

/** Event loop turns after which every socket has been polled, however long the thread was busy before. */
async function turns(): Promise<void> {
  for (let n = 0; n < 3; n++) await turn();
}

type Connection = {
  /** Requests whose headers were read and whose answers are not sent. */
  underWay: number;
  /** The reply to the last of them: only its request may still lack a part of its body. */
  last: FastifyReply | undefined;
};

/**
 * Tracks the open connections: refuses those above the limit, and when the service stops closes each once all requests
 * that had arrived whole are answered. Node's own close waits for the clients, and treats a connection that sent
 * nothing as busy.
 */
export class Connections {
  readonly #app: FastifyInstance;
  readonly #limits: EdgeLimits;
  readonly #nextId: () => string;
  readonly #open = new Map<Socket, Connection>();
  #accepted = 0;
  #refusing = 0;
  #refused = 0;
  /** All requests that had arrived whole are read: connections that become idle are closed. */
  #settled = false;
  /** No further request is accepted on any connection. */
  #shut = false;
  #drained: Promise<void> | undefined;
  readonly #empty = Promise.withResolvers<void>();

  constructor(app: FastifyInstance, limits: EdgeLimits, nextId: () => string) {
    this.#app = app;
    this.#limits = limits;
    this.#nextId = nextId;
    this.#closeUnread();
    const serve = app.server.listeners("connection");
    app.server.removeAllListeners("connection");
    app.server.on("connection", (socket: Socket) => {
      this.#accepted++;
      if (this.#open.size >= limits.connectionsMax) {
        this.#refuse(socket);
        return;
      }
      this.#add(socket);
      for (const listener of serve) listener.call(app.server, socket);
    });
  }

  get open(): number {
    return this.#open.size;
  }
  /** Since the start. */
  get refused(): number {
    return this.#refused;
  }

  /** A request's headers were read. @throws LedgerError not_ready when the service has stopped taking requests */
  begin(reply: FastifyReply): void {
    const connection = this.#open.get(reply.request.raw.socket);
    if (connection !== undefined) {
      connection.underWay++;
      connection.last = reply;
    }
    if (!this.#shut) return;
    reply.header("connection", "close");
    throw stopping();
  }

  /** Its answer was sent, or its client has gone. */
  end(socket: Socket): void {
    const connection = this.#open.get(socket);
    if (connection === undefined) return;
    connection.underWay--;
    if (connection.underWay > 0) return;
    connection.last = undefined;
    if (this.#settled) void this.#closeWhenIdle(socket, connection);
  }

  /**
   * Accepts no more connections, answers every request that had arrived whole, and closes each connection when it has
   * nothing under way; requests that are not whole in time are cut off. A second call waits for the same end.
   */
  drain(): Promise<void> {
    this.#drained ??= this.#drain();
    return this.#drained;
  }

  #add(socket: Socket): void {
    this.#open.set(socket, { underWay: 0, last: undefined });
    socket.once("close", () => {
      this.#open.delete(socket);
      if (this.#open.size === 0 && this.#settled) this.#empty.resolve();
    });
  }

  /**
   * Sets Node's inactivity timeout on connections with an unread answer; on every connection, each read and write would
   * restart its timer.
   */
  #closeUnread(): void {
    const { unreadMs } = this.#limits;
    const { server } = this.#app;
    const sweep = () => {
      for (const socket of this.#open.keys())
        if (socket.writableLength > 0 && socket.timeout !== unreadMs) socket.setTimeout(unreadMs);
    };
    server.on("listening", () => {
      const timer = setInterval(sweep, Math.min(SWEEP_MS, unreadMs / 2)).unref();
      server.once("close", () => clearInterval(timer));
    });
  }

  #refuse(socket: Socket): void {
    this.#refused++;
    socket.on("error", () => socket.destroy());
    if (this.#refusing >= this.#limits.refusalsMax) {
      socket.resetAndDestroy();
      return;
    }
    this.#refusing++;
    const timer = setTimeout(() => socket.destroy(), REFUSED_MS).unref();
    socket.once("close", () => {
      this.#refusing--;
      clearTimeout(timer);
    });
    const problem = { code: "overloaded", detail: "Too many connections are open; nothing was accepted." } as const;
    socket.end(rawAnswer(problem, this.#nextId(), [`Retry-After: ${RETRY_AFTER_S}`]));
    // Reads and drops what the client sends: closing a connection with unread bytes would lose the answer.
    socket.resume();
  }

  async #drain(): Promise<void> {
    const { server } = this.#app;
    if (!server.listening) return;
    const { settleMs, halfSentMs, waitsMs, drainMs } = this.#limits;
    const startMs = performance.now();
    await this.#acceptWaiting(startMs + waitsMs);
    // Only stops listening, unlike the HTTP server's own close.
    NetServer.prototype.close.call(server);
    await delay(settleMs);
    await turns();
    this.#settled = true;
    for (const [socket, { underWay }] of this.#open) if (underWay === 0) socket.destroySoon();
    if (this.#open.size === 0) this.#empty.resolve();
    const after = (ms: number, act: () => unknown) => setTimeout(act, Math.max(0, startMs + ms - performance.now()));
    const timers = [
      after(halfSentMs, () => this.#cutHalfSent()),
      after(waitsMs, () => this.#answerWaiting()),
      after(drainMs, () => this.#cutAll()),
    ];
    await this.#empty.promise;
    for (const timer of timers) clearTimeout(timer);
  }

  /** Accepts the connections that the kernel has already accepted: each event loop turn takes at least one. */
  async #acceptWaiting(untilMs: number): Promise<void> {
    let before: number;
    do {
      before = this.#accepted;
      await turns();
    } while (this.#accepted > before && performance.now() < untilMs);
  }

  /** Closes a connection that has answered everything, unless its next request is in the kernel's buffer. */
  async #closeWhenIdle(socket: Socket, connection: Connection): Promise<void> {
    if (!this.#shut) await turns();
    if (connection.underWay === 0) socket.destroySoon();
  }

  /** Gives up incomplete bodies, once the kernel's buffers hold nothing more of them. */
  async #cutHalfSent(): Promise<void> {
    this.#shut = true;
    for (let round = 0; round < CUT_ROUNDS_MAX; round++) {
      const seen = new Map(this.#halfSent().map((socket) => [socket, socket.bytesRead]));
      if (seen.size === 0) return;
      await turns();
      for (const socket of this.#halfSent()) if (seen.get(socket) === socket.bytesRead) this.#cut(socket);
    }
    for (const socket of this.#halfSent()) this.#cut(socket);
  }

  #halfSent(): Socket[] {
    const half: Socket[] = [];
    for (const [socket, { last }] of this.#open)
      if (last !== undefined && !last.request.raw.complete) half.push(socket);
    return half;
  }

  /** Whole requests before the one that is cut off still get their answers. */
  #cut(socket: Socket): void {
    const connection = this.#open.get(socket);
    if (connection === undefined) return;
    if (connection.underWay === 1) socket.destroy();
    else this.end(socket);
    connection.last = undefined;
  }

  /**
   * Queries may wait for a position longer than a stop may take. Commands are waited for: their answer says what
   * happened.
   */
  #answerWaiting(): void {
    for (const { last } of this.#open.values())
      if (last !== undefined && last.request.method === "GET" && !last.sent) last.send(stopping());
  }

  #cutAll(): void {
    for (const socket of this.#open.keys()) socket.destroy();
  }
}

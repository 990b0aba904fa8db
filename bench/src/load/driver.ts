import type { Connection } from "./connection.ts";
import type { HttpReply } from "./reply.ts";

export type Drive = {
  readonly connections: readonly Connection[];
  /** Ends after this many requests or seconds, whichever comes first, once every answer is in. */
  readonly requests: number;
  readonly seconds: number;
  readonly requestText: (n: number) => string;
  readonly onReply: (reply: HttpReply, n: number, latencyMs: number) => void;
};

/** How long a request may be overdue before the load gives up on the rate. */
const LATE_MAX_MS = 10_000;

/** Unpaced: each connection sends its next request when it has its answer. */
export async function driveClosed(drive: Drive): Promise<void> {
  const { connections, requests, requestText, onReply } = drive;
  const endMs = performance.now() + drive.seconds * 1000;
  let sent = 0;
  const run = (connection: Connection) =>
    new Promise<void>((resolve) => {
      const next = (): void => {
        const sentMs = performance.now();
        if (sent >= requests || sentMs >= endMs) {
          resolve();
          return;
        }
        const n = sent++;
        connection.send(requestText(n), (reply) => {
          onReply(reply, n, performance.now() - sentMs);
          next();
        });
      };
      next();
    });
  await Promise.all(connections.map(run));
}

/**
 * At a fixed rate, whether answers come or not. Latency counts from the time a request was due, so that waiting for a
 * frozen server counts as a client would have felt it.
 * @throws if the server falls LATE_MAX_MS behind
 */
export function drivePaced(drive: Drive, requestsPerSecond: number): Promise<void> {
  const { connections, requests, seconds, requestText, onReply } = drive;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const idle = [...connections];
  const late = queue<{ readonly n: number; readonly dueMs: number }>();
  const startMs = performance.now();
  let released = 0;
  let over = false;

  const send = (connection: Connection, n: number, dueMs: number): void =>
    connection.send(requestText(n), (reply) => {
      onReply(reply, n, performance.now() - dueMs);
      const next = late.take();
      if (next) send(connection, next.n, next.dueMs);
      else idle.push(connection);
      if (over && idle.length === connections.length) resolve();
    });
  const tick = (): void => {
    const nowMs = performance.now();
    const due = Math.min(requests, Math.ceil(((nowMs - startMs) / 1000) * requestsPerSecond));
    for (; released < due; released++) {
      // In turn: a server closes a connection that sends nothing for long.
      const connection = idle.shift();
      if (connection) send(connection, released, nowMs);
      else late.put({ n: released, dueMs: nowMs });
    }
    const behindMs = nowMs - (late.first()?.dueMs ?? nowMs);
    const tooLate = behindMs > LATE_MAX_MS;
    if (tooLate) reject(new Error(`the server is ${Math.round(behindMs)} ms behind the rate`));
    over = tooLate || released >= requests || nowMs - startMs >= seconds * 1000;
    if (!over) setTimeout(tick, 1);
    else if (idle.length === connections.length) resolve();
  };
  tick();
  return promise;
}

/** A FIFO queue. An array's shift moves all remaining items, which would slow the load just when it must catch up. */
function queue<Item>() {
  let items: Item[] = [];
  let taken = 0;
  return {
    put: (item: Item): void => void items.push(item),
    first: (): Item | undefined => items[taken],
    take(): Item | undefined {
      const item = items[taken];
      if (item !== undefined) taken++;
      if (taken > 1000 && taken > items.length / 2) {
        items = items.slice(taken);
        taken = 0;
      }
      return item;
    },
  };
}

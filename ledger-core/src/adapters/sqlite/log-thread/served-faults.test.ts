import { once } from "node:events";
import { MessageChannel, Worker } from "node:worker_threads";
import { describe, expect, onTestFinished, test } from "vitest";
import { LedgerError } from "../../../domain/errors.ts";
import { NO_REVISION } from "../../../domain/position.ts";
import type { EventLog, StoredEvent } from "../../../ports/event-log.ts";
import { makeEvents, range, readAll } from "../../../testing/event-log-events.ts";
import { openTestLog } from "../../../testing/event-log-sqlite.ts";
import { leafHash } from "../../leaf.ts";
import { connectLog } from "./connection.ts";
import { serveLog } from "./serving.ts";

function serve(log: EventLog): { far: EventLog; stop: () => void } {
  const { port1, port2 } = new MessageChannel();
  const stop = serveLog(log, port1);
  const far = connectLog(port2);
  onTestFinished(() => far.close());
  return { far, stop };
}

/** A log on which only some calls work. */
function logWith(calls: Partial<EventLog>): EventLog {
  const unused = () => {
    throw new Error("not called in this test");
  };
  return { append: unused, read: unused, head: unused, subscribe: unused, close: unused, ...calls };
}

describe("a log in another thread", () => {
  test("is appended to, refuses, and is followed from history to live", async () => {
    const { log } = await openTestLog();
    let head = await log.append(0, NO_REVISION, makeEvents(0, 2000));
    const last = head + 500;
    const { port1, port2 } = new MessageChannel();
    onTestFinished(serveLog(log, port1));
    const worker = new Worker(new URL("../../../testing/event-log-worker.ts", import.meta.url), {
      workerData: { port: port2, last },
      transferList: [port2],
    });
    const [appended] = await once(worker, "message");
    expect(appended).toMatchObject({ head: 9, refusal: { name: "LedgerError", code: "wrong_expected_revision" } });
    const saw = once(worker, "message");
    while (head < last) head = await log.append(0, head, makeEvents(head + 1, 10));
    expect((await saw)[0]).toEqual({ revisions: range(0, last) });
    expect((await readAll(log, 1, 0)).length).toBe(10);
    await worker.terminate();
  });

  test("that is killed in the middle of a stream leaves nothing behind", async () => {
    const waiting = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<string>();
    const endless = logWith({
      append: async (_shard, expected, events) => expected + events.length,
      subscribe: async function* (_shard, from, signal) {
        yield { kind: "caught_up", head: from };
        waiting.resolve();
        await once(signal, "abort");
        ended.resolve("the subscription ended");
      },
    });
    const { port1, port2 } = new MessageChannel();
    onTestFinished(serveLog(endless, port1));
    const worker = new Worker(new URL("../../../testing/event-log-worker.ts", import.meta.url), {
      workerData: { port: port2, last: 5 },
      transferList: [port2],
    });
    await waiting.promise;
    await worker.terminate();
    expect(await ended.promise).toBe("the subscription ended");
  });
});

describe("errors through a port", () => {
  test("an operating error arrives whole", async () => {
    const damaged = new LedgerError("log_corrupt", "damaged at 3:14", { position: { shard: 3, revision: 14 } });
    const full = new LedgerError("log_unavailable", "the disk is full", { retryable: true });
    const { far } = serve(
      logWith({
        append: () => Promise.reject(full),
        read: async function* () {
          yield await Promise.reject<StoredEvent[]>(damaged);
        },
      }),
    );
    await expect(far.append(0, -1, makeEvents(0, 1))).rejects.toEqual(full);
    const error = await readAll(far, 3, 0).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LedgerError);
    expect(error).toMatchObject({
      code: "log_corrupt",
      message: "damaged at 3:14",
      retryable: false,
      position: { shard: 3, revision: 14 },
    });
  });

  test("a bug arrives as a bug", async () => {
    const { far } = serve(logWith({ head: () => Promise.reject(new TypeError("no such thing")) }));
    const error = await far.head(0).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(LedgerError);
    expect(String(error)).toContain("no such thing");
  });

  test("when the log's thread goes away, an append under way stays in doubt; the rest is unavailable", async () => {
    const { promise: reached, resolve } = Promise.withResolvers<void>();
    const { far, stop } = serve(
      logWith({
        append: () => {
          resolve();
          return new Promise(() => undefined);
        },
        subscribe: async function* (_shard, _from, signal) {
          yield { kind: "caught_up", head: NO_REVISION };
          await once(signal, "abort");
        },
      }),
    );
    const deliveries = far.subscribe(0, 0, new AbortController().signal)[Symbol.asyncIterator]();
    await deliveries.next();
    const append = far.append(0, -1, makeEvents(0, 1));
    const outcomes = Promise.allSettled([append, deliveries.next()]);
    await reached;
    stop();
    expect(await outcomes).toMatchObject([
      { status: "rejected", reason: { code: "outcome_unknown" } },
      { status: "rejected", reason: { code: "log_unavailable" } },
    ]);
    await expect(far.append(0, -1, makeEvents(0, 1))).rejects.toMatchObject({ code: "outcome_unknown" });
    await expect(far.head(0)).rejects.toMatchObject({ code: "log_unavailable" });
  });

  test("bytes are checked at the far end, whatever the near end did", async () => {
    const unchecked = makeEvents(3, 1).map((event) => ({ ...event, shard: 0, revision: 3, leaf: new Uint8Array(32) }));
    const { far } = serve(logWith({ read: () => only(unchecked) }));
    await expect(readAll(far, 0, 3)).rejects.toMatchObject({
      code: "log_corrupt",
      position: { shard: 0, revision: 3 },
    });
  });

  test("a consumer that takes its time is sent one piece ahead, no more", async () => {
    const given: number[] = [];
    const { far } = serve(
      logWith({
        read: async function* (shard, from) {
          for (const revision of range(from, from + 49)) {
            given.push(revision);
            yield makeEvents(revision, 1).map((event) => {
              const placed = { ...event, shard, revision };
              return { ...placed, leaf: leafHash(placed) };
            });
          }
        },
        head: async () => 49,
      }),
    );
    const read: number[] = [];
    for await (const events of far.read(0, 0)) {
      // Once a call made now is answered, the near end has handled all earlier requests.
      await far.head(0);
      read.push(...events.map((event) => event.revision));
      expect(given.length - read.length).toBeLessThanOrEqual(1);
    }
    expect(read).toEqual(range(0, 49));
  });
});

async function* only(events: readonly StoredEvent[]): AsyncGenerator<readonly StoredEvent[]> {
  yield events;
}

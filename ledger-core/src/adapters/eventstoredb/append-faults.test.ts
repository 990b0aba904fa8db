import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { isLedgerError } from "../../domain/errors.ts";
import { NO_REVISION } from "../../domain/position.ts";
import type { EventLog, Events } from "../../ports/event-log.ts";
import { asNew, makeEvents, readAll } from "../../testing/event-log-events.ts";
import type { AppendFault } from "../../testing/eventstoredb-server/faults.ts";
import { startEventStoreDbServer } from "../../testing/eventstoredb-server/server.ts";
import { type EventStoreDbOptions, openEventStoreDb } from "./log.ts";

const server = await startEventStoreDbServer({ data: ":memory:" });
afterAll(() => server.stop());
let streams = 0;

const patience = { timeout: 30_000 };
const unknown = { name: "LedgerError", code: "outcome_unknown", retryable: true };

/** A log with its own streams and two events in shard 0. */
async function openFilled(options: EventStoreDbOptions = {}): Promise<EventLog> {
  server.faults.clear();
  const log = openEventStoreDb(server.url, { streamPrefix: `faults-${++streams}`, ...options });
  onTestFinished(() => log.close());
  await appendSurely(log, NO_REVISION, makeEvents(0, 2));
  return log;
}

/** Like the writer: resends the identical events until the outcome is known. */
async function appendSurely(log: EventLog, expected: number, events: Events, shard = 0): Promise<number> {
  for (;;) {
    try {
      return await log.append(shard, expected, events);
    } catch (error) {
      if (!isLedgerError(error, "outcome_unknown")) throw error;
    }
  }
}

describe("an append of unknown outcome", () => {
  test.each<{ fault: AppendFault; written: boolean }>([
    { fault: "silence", written: false },
    { fault: "no_reply", written: true },
    { fault: "drop_before_write", written: false },
    { fault: "drop_after_write", written: true },
    { fault: "end_before_write", written: false },
    { fault: "end_after_write", written: true },
    { fault: "timeout_before_write", written: false },
    { fault: "timeout_after_write", written: true },
    { fault: "unavailable", written: false },
    { fault: "unknown", written: false },
  ])("$fault: says so, and its repetition is written once", async ({ fault, written }) => {
    const unanswered = fault === "silence" || fault === "no_reply";
    const log = await openFilled(unanswered ? { appendTimeoutMs: 300 } : {});
    server.faults.append(fault);
    await expect(log.append(0, 1, makeEvents(2, 3))).rejects.toMatchObject(unknown);
    await expect.poll(() => log.head(0), patience).toBe(written ? 4 : 1);
    expect(await appendSurely(log, 1, makeEvents(2, 3))).toBe(4);
    expect(await appendSurely(log, 4, makeEvents(5, 1))).toBe(5);
    expect(asNew(await readAll(log, 0, 0))).toEqual(makeEvents(0, 6));
  });

  test("that is written after its timeout is acknowledged when it is repeated", async () => {
    const log = await openFilled({ appendTimeoutMs: 200 });
    const { promise: late, resolve: write } = Promise.withResolvers<void>();
    server.faults.append({ late });
    await expect(log.append(0, 1, makeEvents(2, 2))).rejects.toMatchObject(unknown);
    expect(await log.head(0)).toBe(1);
    write();
    expect(await appendSurely(log, 1, makeEvents(2, 2))).toBe(3);
    expect(asNew(await readAll(log, 0, 0))).toEqual(makeEvents(0, 4));
  });

  test("that arrives after another writer's append is refused", async () => {
    const log = await openFilled({ appendTimeoutMs: 200 });
    const { promise: late, resolve: write } = Promise.withResolvers<void>();
    server.faults.append({ late });
    await expect(log.append(0, 1, makeEvents(2, 2))).rejects.toMatchObject(unknown);
    expect(await appendSurely(log, 1, makeEvents(2, 1, { salt: 2 }))).toBe(2);
    write();
    await expect(appendSurely(log, 1, makeEvents(2, 2))).rejects.toMatchObject({ code: "wrong_expected_revision" });
    expect(asNew(await readAll(log, 0, 2))).toEqual(makeEvents(2, 1, { salt: 2 }));
  });

  test("is not acknowledged, nor is its repetition, until a replica has it", async () => {
    const log = await openFilled({ appendTimeoutMs: 200 });
    const release = server.faults.holdReplication();
    for (const _ of ["first", "again"]) await expect(log.append(0, 1, makeEvents(2, 2))).rejects.toMatchObject(unknown);
    release();
    expect(await appendSurely(log, 1, makeEvents(2, 2))).toBe(3);
    expect(await log.head(0)).toBe(3);
  });
});

describe("an append that is answered", () => {
  test("without a position is written", async () => {
    const log = await openFilled();
    server.faults.append("no_position");
    expect(await log.append(0, 1, makeEvents(2, 2))).toBe(3);
    expect(await log.append(0, 1, makeEvents(2, 2))).toBe(3);
  });

  test.each<{ fault: AppendFault; says: RegExp }>([
    { fault: "access_denied", says: /does not let this user append/ },
    { fault: "unauthenticated", says: /refuses this name and password/ },
  ])("$fault wrote nothing, and says so", async ({ fault, says }) => {
    await openFilled();
    // The first append of a connection: after one success, a call cannot be refused for its login.
    const log = openEventStoreDb(server.url, { streamPrefix: `faults-${streams}` });
    onTestFinished(() => log.close());
    server.faults.append(fault);
    const refused = log.append(0, 1, makeEvents(2, 1));
    await expect(refused).rejects.toMatchObject({ code: "log_unavailable", message: says });
    expect(await log.head(0)).toBe(1);
    expect(await log.append(0, 1, makeEvents(2, 1))).toBe(2);
  });

  test("too large is refused by the server as it is by the adapter", async () => {
    const log = await openFilled({ appendBytesMax: Number.POSITIVE_INFINITY });
    const refused = log.append(0, 1, makeEvents(2, 3, { size: 400_000 }));
    await expect(refused).rejects.toMatchObject({ code: "log_unavailable", message: /more than 1048576 bytes/ });
    expect(await log.head(0)).toBe(1);
  });
});

describe("a fault of one client or shard", () => {
  test("does not affect another client", async () => {
    const [log, other] = [await openFilled({ appendTimeoutMs: 300 }), await openFilled({ appendTimeoutMs: 60_000 })];
    const { promise: late, resolve: write } = Promise.withResolvers<void>();
    server.faults.append({ late });
    const waits = other.append(0, 1, makeEvents(2, 1));
    await expect.poll(() => server.faults.appendsToCome, patience).toBe(0);
    for (const fault of ["silence", "drop_before_write", "end_before_write", "unavailable"] as const) {
      server.faults.append(fault);
      await expect(log.append(0, 1, makeEvents(2, 1))).rejects.toMatchObject(unknown);
    }
    write();
    expect(await waits).toBe(2);
  });

  test("does not affect another shard of the same log", async () => {
    const log = await openFilled({ appendTimeoutMs: 60_000 });
    const { promise: late, resolve: write } = Promise.withResolvers<void>();
    server.faults.append({ late });
    const waits = log.append(0, 1, makeEvents(2, 1));
    await expect.poll(() => server.faults.appendsToCome, patience).toBe(0);
    for (const fault of ["end_before_write", "unavailable", "timeout_before_write"] as const) {
      server.faults.append(fault);
      const events = makeEvents(0, 1, { shard: 1 });
      await expect(log.append(1, NO_REVISION, events)).rejects.toMatchObject(unknown);
    }
    expect(await appendSurely(log, NO_REVISION, makeEvents(0, 1, { shard: 1 }), 1)).toBe(0);
    write();
    expect(await waits).toBe(2);
  });
});

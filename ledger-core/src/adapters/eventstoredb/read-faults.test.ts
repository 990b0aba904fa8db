import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { NO_REVISION } from "../../domain/position.ts";
import type { EventLog } from "../../ports/event-log.ts";
import { followTo, makeEvents, range, readAll } from "../../testing/event-log-events.ts";
import type { ReadFault } from "../../testing/eventstoredb-server/faults.ts";
import { startEventStoreDbServer } from "../../testing/eventstoredb-server/server.ts";
import { type EventStoreDbOptions, openEventStoreDb } from "./log.ts";

const server = await startEventStoreDbServer({ data: ":memory:" });
afterAll(() => server.stop());
let streams = 0;

/** A log of 30 events in shard 0. */
async function openFilled(options: EventStoreDbOptions = {}): Promise<EventLog> {
  server.faults.clear();
  const log = openEventStoreDb(server.url, { streamPrefix: `reads-${++streams}`, silenceMs: 300, ...options });
  onTestFinished(() => log.close());
  await log.append(0, NO_REVISION, makeEvents(0, 30));
  return log;
}

const kinds = ["silence", "drop", "end", "unavailable", "cancelled"] as const;
/** Fails the call after the one-event read of the head. */
const intact: ReadFault = { after: Number.POSITIVE_INFINITY, kind: "end" };

describe.each(kinds)("%s", (kind) => {
  test.each([0, 1, 29])("of a read after %i events: it resumes at its position", async (after) => {
    const log = await openFilled();
    server.faults.read(intact, { after, kind });
    expect((await readAll(log, 0, 0)).map(({ revision }) => revision)).toEqual(range(0, 29));
  });

  test("of a read of the head: it is read again", async () => {
    const log = await openFilled();
    server.faults.read({ after: 0, kind });
    expect(await log.head(0)).toBe(29);
  });

  test("of a subscription, in history and live: it resumes at its position", async () => {
    const log = await openFilled();
    // Each subscription reads the head first.
    server.faults.read(intact, { after: 5, kind }, intact, { after: 20, kind }, intact, { after: 7, kind });
    const followed = followTo(log, 0, 0, 40);
    for (const revision of range(30, 40)) await log.append(0, revision - 1, makeEvents(revision, 1));
    expect(await followed).toEqual(range(0, 40));
  });
});

test("a live subscription that the server forgets resumes at its position", async () => {
  const log = await openFilled();
  server.faults.read(intact, { after: 32, kind: "silence" });
  const followed = followTo(log, 0, 0, 35);
  for (const revision of range(30, 35)) await log.append(0, revision - 1, makeEvents(revision, 1));
  expect(await followed).toEqual(range(0, 35));
});

test("a read that cannot be resumed fails with the reason, and its consumer can start again", async () => {
  const log = await openFilled({ resumeMs: 50 });
  server.faults.drawRead = () => ({ after: 0, kind: "unavailable" });
  onTestFinished(() => {
    server.faults.drawRead = () => undefined;
  });
  await expect(readAll(log, 0, 0)).rejects.toMatchObject({ code: "log_unavailable", retryable: true });
  await expect(followTo(log, 0, 0, 29)).rejects.toMatchObject({ code: "log_unavailable", retryable: true });
  server.faults.drawRead = () => undefined;
  expect(await followTo(log, 0, 0, 29)).toEqual(range(0, 29));
});

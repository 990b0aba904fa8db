import { once } from "node:events";
import { describe, expect, onTestFinished, test } from "vitest";
import { NO_REVISION, type Revision } from "../../../domain/position.ts";
import { asNew, makeEvents, readAll } from "../../../testing/event-log-events.ts";
import { openTestFolder } from "../../../testing/event-log-sqlite.ts";
import { openSqliteLog } from "./log.ts";
import { openSqliteLogReader } from "./reader.ts";

async function sharedLog() {
  const { file } = await openTestFolder();
  const log = await openSqliteLog({ file, shared: true });
  const reader = openSqliteLogReader({ file, pollMs: 1 });
  onTestFinished(async () => {
    await reader.close();
    await log.close();
  });
  return { file, log, reader };
}

describe("a reader beside the writer of a SQLite log", () => {
  test("reads events appended before and after it was opened, shard by shard", async () => {
    const { log, reader } = await sharedLog();
    expect(await reader.head(0)).toBe(NO_REVISION);
    await log.append(0, NO_REVISION, makeEvents(0, 3));
    await log.append(2, NO_REVISION, makeEvents(0, 2, { shard: 2 }));
    expect([await reader.head(0), await reader.head(1), await reader.head(2)]).toEqual([2, NO_REVISION, 1]);
    await log.append(0, 2, makeEvents(3, 700));
    expect(asNew(await readAll(reader, 0, 0))).toEqual(makeEvents(0, 703));
  });

  test("a subscription reads history, reports that it has caught up, and continues live", async () => {
    const { log, reader } = await sharedLog();
    await log.append(0, NO_REVISION, makeEvents(0, 5));
    const abort = new AbortController();
    const seen: Revision[] = [];
    const heads: Revision[] = [];
    for await (const delivery of reader.subscribe(0, 0, abort.signal)) {
      if (delivery.kind === "events") seen.push(...delivery.events.map(({ revision }) => revision));
      else heads.push(delivery.head);
      if (delivery.kind === "caught_up" && delivery.head === 4) await log.append(0, 4, makeEvents(5, 3));
      if (seen.at(-1) === 7) abort.abort();
    }
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(heads).toContain(4);
  });

  test("an ended signal ends a subscription that waits", async () => {
    const { reader } = await sharedLog();
    const abort = new AbortController();
    const kinds: string[] = [];
    for await (const { kind } of reader.subscribe(0, 0, abort.signal)) {
      kinds.push(kind);
      setImmediate(() => abort.abort());
      await once(abort.signal, "abort");
    }
    expect(kinds).toEqual(["caught_up"]);
  });

  test("a log that does not exist yet, or is not shared, is unavailable; afterwards it is read", async () => {
    const { file } = await openTestFolder();
    const reader = openSqliteLogReader({ file });
    onTestFinished(() => reader.close());
    await expect(reader.head(0)).rejects.toMatchObject({ code: "log_unavailable" });
    const alone = await openSqliteLog({ file });
    await expect(reader.head(0)).rejects.toMatchObject({ code: "log_unavailable", message: /held by another/ });
    await alone.append(0, NO_REVISION, makeEvents(0, 2));
    await alone.close();
    const shared = await openSqliteLog({ file, shared: true });
    onTestFinished(() => shared.close());
    expect(await reader.head(0)).toBe(1);
  });

  test("a shared log still has one writer, and a restart finds the appended events", async () => {
    const { file, log, reader } = await sharedLog();
    await log.append(0, NO_REVISION, makeEvents(0, 2));
    await expect(openSqliteLog({ file, shared: true })).rejects.toMatchObject({ code: "locked" });
    await expect(openSqliteLog({ file })).rejects.toMatchObject({ code: "locked" });
    await log.close();
    const again = await openSqliteLog({ file, shared: true });
    expect(await again.append(0, 1, makeEvents(2, 1))).toBe(2);
    expect(await reader.head(0)).toBe(2);
    await again.close();
  });
});

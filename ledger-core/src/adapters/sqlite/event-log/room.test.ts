import { execFileSync } from "node:child_process";
import { describe, expect, onTestFinished, test } from "vitest";
import { NO_REVISION } from "../../../domain/position.ts";
import { startLogChild } from "../../../testing/event-log-child.ts";
import { asNew, makeEvents, readAll } from "../../../testing/event-log-events.ts";
import { openTestFolder } from "../../../testing/event-log-sqlite.ts";
import { openSqliteLog } from "./log.ts";

const unavailable = { name: "LedgerError", code: "log_unavailable", retryable: true };

describe("a full disk", () => {
  test("acknowledges nothing, keeps nothing of the append, and takes one that still fits", async () => {
    const { file } = await openTestFolder();
    const log = await openSqliteLog({ file, maxPages: 12 });
    onTestFinished(() => log.close());
    await log.append(0, NO_REVISION, makeEvents(0, 3));
    for (const _ of ["once", "again"]) {
      await expect(log.append(0, 2, makeEvents(3, 1000))).rejects.toMatchObject(unavailable);
      await expect(log.append(1, -1, makeEvents(0, 1000, { shard: 1 }))).rejects.toThrow(/no room to grow/);
      expect(await log.head(0)).toBe(2);
      expect(await log.head(1)).toBe(NO_REVISION);
    }
    expect(asNew(await readAll(log, 0, 0))).toEqual(makeEvents(0, 3));
    expect(await log.append(0, 2, makeEvents(3, 5))).toBe(7);
    expect(asNew(await readAll(log, 0, 0))).toEqual(makeEvents(0, 8));
  });

  test("wakes no subscriber, and delivers later events when there is room again", async () => {
    const { file } = await openTestFolder();
    const log = await openSqliteLog({ file, maxPages: 12 });
    onTestFinished(() => log.close());
    const abort = new AbortController();
    const deliveries = log.subscribe(0, 0, abort.signal)[Symbol.asyncIterator]();
    expect((await deliveries.next()).value).toEqual({ kind: "caught_up", head: NO_REVISION });
    const next = deliveries.next();
    await expect(log.append(0, NO_REVISION, makeEvents(0, 1000))).rejects.toMatchObject(unavailable);
    await log.append(0, NO_REVISION, makeEvents(0, 2));
    expect((await next).value).toMatchObject({ kind: "events", events: [{ revision: 0 }, { revision: 1 }] });
    abort.abort();
  });

  test("is got over by making room: the same append is taken", async () => {
    const { file } = await openTestFolder();
    const small = await openSqliteLog({ file, maxPages: 12 });
    await expect(small.append(0, NO_REVISION, makeEvents(0, 1000))).rejects.toMatchObject(unavailable);
    await small.close();
    const log = await openSqliteLog({ file });
    onTestFinished(() => log.close());
    expect(await log.append(0, NO_REVISION, makeEvents(0, 1000))).toBe(999);
    expect(asNew(await readAll(log, 0, 0))).toEqual(makeEvents(0, 1000));
  });
});

// The limit of another running process can be changed on Linux only.
describe.runIf(process.platform === "linux")("a write that the system refuses", () => {
  test("acknowledges nothing; continues when the disk does, and a restart finds the acknowledged events", async () => {
    const { file } = await openTestFolder();
    await using child = await startLogChild(file);
    expect(await child.append(0, 3)).toEqual({ last: 2 });
    limitFiles(child.pid, 150_000);
    for (const _ of ["once", "again"])
      expect(await child.append(3, 1000, 400)).toMatchObject({ code: "log_unavailable" });
    expect(await child.append(3, 4)).toEqual({ last: 6 });
    limitFiles(child.pid, "unlimited");
    expect(await child.append(7, 1000, 400)).toEqual({ last: 1006 });
    await child.kill();

    const log = await openSqliteLog({ file });
    onTestFinished(() => log.close());
    const events = [...makeEvents(0, 7), ...makeEvents(7, 1000, { size: 400 })];
    expect(asNew(await readAll(log, 0, 0))).toEqual(events);
  });

  test("leaves nothing of the append to a process that is killed right then", async () => {
    const { file } = await openTestFolder();
    const child = await startLogChild(file);
    expect(await child.append(0, 3)).toEqual({ last: 2 });
    limitFiles(child.pid, 150_000);
    expect(await child.append(3, 1000, 400)).toMatchObject({ code: "log_unavailable" });
    await child.kill();
    const log = await openSqliteLog({ file });
    onTestFinished(() => log.close());
    expect(asNew(await readAll(log, 0, 0))).toEqual(makeEvents(0, 3));
  });
});

/** Bounds how large a file of a running process may grow; a write beyond it fails with EFBIG. */
function limitFiles(pid: number, bytes: number | "unlimited"): void {
  execFileSync("prlimit", ["--pid", String(pid), `--fsize=${bytes}:`]);
}

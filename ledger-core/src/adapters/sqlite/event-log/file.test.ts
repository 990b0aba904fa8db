import { readdir, writeFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, onTestFinished, test } from "vitest";
import { NO_REVISION } from "../../../domain/position.ts";
import { startLogChild } from "../../../testing/event-log-child.ts";
import { asNew, makeEvents, readAll } from "../../../testing/event-log-events.ts";
import { openTestFolder, openTestLog } from "../../../testing/event-log-sqlite.ts";
import { checkVersion, openFile } from "./file.ts";
import { openSqliteLog } from "./log.ts";

describe("the lock of a SQLite log", () => {
  test("keeps out another process, with a message that says what to do", async () => {
    const { file } = await openTestFolder();
    await using child = await startLogChild(file);
    await expect(openSqliteLog({ file })).rejects.toMatchObject({ name: "LedgerError", code: "locked" });
    await expect(openSqliteLog({ file })).rejects.toThrow(/held by another process.*same data folder.*stop/);
    expect(await child.append(0, 2)).toEqual({ last: 1 });
  });

  test("keeps out a second opening in the same process, and the first continues", async () => {
    const { file, log } = await openTestLog();
    await expect(openSqliteLog({ file })).rejects.toMatchObject({ code: "locked" });
    expect(await log.append(0, NO_REVISION, makeEvents(0, 2))).toBe(1);
  });

  test("ends with the killed process, and its acknowledged events are there", async () => {
    const { file } = await openTestFolder();
    const child = await startLogChild(file);
    expect(await child.append(0, 3)).toEqual({ last: 2 });
    expect(await child.append(3, 5)).toEqual({ last: 7 });
    await child.kill();
    const log = await openSqliteLog({ file });
    onTestFinished(() => log.close());
    expect(asNew(await readAll(log, 0, 0))).toEqual(makeEvents(0, 8));
  });
});

describe("opening a SQLite log", () => {
  test("sets and keeps the settings that durability needs", async () => {
    const { file } = await openTestFolder();
    for (const _ of ["new", "again"]) {
      const db = openFile({ file });
      const pragmas = ["journal_mode", "synchronous", "locking_mode", "page_size", "application_id", "user_version"];
      const values = pragmas.map((pragma) => Object.values(db.prepare(`PRAGMA ${pragma}`).get() ?? {})[0]);
      db.close();
      expect(values).toEqual(["wal", 2, "exclusive", 8192, 0x504c4447, 1]);
    }
  });

  test("needs no memory shared with other processes, which a full disk would refuse", async () => {
    const { folder, file } = await openTestFolder();
    for (const _ of ["new", "again"]) {
      const log = await openSqliteLog({ file });
      await log.append(0, await log.head(0), makeEvents((await log.head(0)) + 1, 1));
      const files = await readdir(folder);
      await log.close();
      expect(files.toSorted()).toEqual(["events.sqlite", "events.sqlite-wal"]);
    }
  });

  test("refuses a SQLite file of another program and leaves it as it was", async () => {
    const { file } = await openTestFolder();
    const other = new DatabaseSync(file);
    other.exec("CREATE TABLE recipes (name TEXT); INSERT INTO recipes VALUES ('soup')");
    other.close();
    await expect(openSqliteLog({ file })).rejects.toMatchObject({ code: "incompatible" });
    await expect(openSqliteLog({ file })).rejects.toThrow(/not an event log/);
    const again = new DatabaseSync(file);
    onTestFinished(() => again.close());
    expect(
      again
        .prepare("SELECT name FROM recipes")
        .all()
        .map((row) => row.name),
    ).toEqual(["soup"]);
    expect(again.prepare("PRAGMA journal_mode").get()).toMatchObject({ journal_mode: "delete" });
  });

  test("refuses the file of a newer version", async () => {
    const { file } = await openTestFolder();
    await (await openSqliteLog({ file })).close();
    const raw = new DatabaseSync(file);
    raw.exec("PRAGMA user_version = 2");
    raw.close();
    await expect(openSqliteLog({ file })).rejects.toMatchObject({ code: "incompatible" });
    await expect(openSqliteLog({ file })).rejects.toThrow(/newer payledger \(format 2; this one reads up to 1\)/);
  });

  test("refuses a file that is no SQLite file", async () => {
    const { file } = await openTestFolder();
    await writeFile(file, "a text of more than a hundred bytes\n".repeat(10));
    await expect(openSqliteLog({ file })).rejects.toMatchObject({ code: "log_corrupt" });
  });

  test("says so when the folder is missing", async () => {
    const { file } = await openTestFolder();
    await expect(openSqliteLog({ file: `${file}/absent/log` })).rejects.toMatchObject({ code: "log_unavailable" });
    await expect(openSqliteLog({ file: `${file}/absent/log` })).rejects.toThrow(
      /cannot be opened: its folder is missing/,
    );
  });

  test.each([
    ["3.7.0", false],
    ["3.45.1", false],
    ["3.51.2", false],
    ["3.51.3", true],
    ["3.53.0", true],
    ["4.0.0", true],
  ])("SQLite %s may be used: %s", (version, usable) => {
    if (usable) expect(() => checkVersion(version)).not.toThrow();
    else expect(() => checkVersion(version)).toThrow(/can corrupt a write-ahead log/);
  });
});

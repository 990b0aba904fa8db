import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { makeEvents } from "../../../testing/event-log-events.ts";
import { eventLogSuite } from "../../../testing/event-log-suite.ts";
import { openLogThread } from "./log-thread.ts";

eventLogSuite("SQLite in a thread of its own", async () => {
  const folder = mkdtempSync(join(tmpdir(), "payledger-log-thread-"));
  const file = join(folder, "events.sqlite");
  let thread = await openLogThread({ file });
  return {
    log: thread.log,
    reopen: async () => {
      await thread.close();
      thread = await openLogThread({ file });
      return thread.log;
    },
    dispose: async () => {
      await thread.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
});

test("a damaged event is named, and the good ones before it are had", async () => {
  const folder = mkdtempSync(join(tmpdir(), "payledger-log-thread-"));
  const file = join(folder, "events.sqlite");
  const writing = await openLogThread({ file });
  await writing.log.append(0, -1, makeEvents(0, 3, {}));
  await writing.log.append(0, 2, makeEvents(3, 1, {}));
  await writing.close();
  const db = new DatabaseSync(file);
  const row = db.prepare("SELECT place, hex(frames) AS hex FROM batch ORDER BY place LIMIT 1").get();
  const frames = Buffer.from(String(row?.hex), "hex");
  frames[frames.length - 1] = (frames.at(-1) ?? 0) ^ 1;
  db.prepare("UPDATE batch SET frames = ? WHERE place = ?").run(frames, row?.place ?? null);
  db.close();
  const thread = await openLogThread({ file });
  const had: number[] = [];
  const reading = (async () => {
    for await (const events of thread.log.read(0, 0)) had.push(...events.map((event) => event.revision));
  })();
  await expect(reading).rejects.toMatchObject({ code: "log_corrupt", position: { shard: 0, revision: 2 } });
  expect(had).toEqual([0, 1]);
  await thread.close();
  rmSync(folder, { recursive: true, force: true });
});

test("a second thread is refused while the first holds the file, and served when it asks the first", async () => {
  const folder = mkdtempSync(join(tmpdir(), "payledger-log-thread-"));
  const file = join(folder, "events.sqlite");
  const thread = await openLogThread({ file });
  await expect(openLogThread({ file })).rejects.toMatchObject({ code: "locked" });
  expect(await thread.log.append(0, -1, makeEvents(0, 3, {}))).toBe(2);
  await thread.close();
  rmSync(folder, { recursive: true, force: true });
});

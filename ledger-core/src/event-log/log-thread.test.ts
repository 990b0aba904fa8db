import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeEvents } from "../testing/event-log-events.ts";
import { eventLogSuite } from "../testing/event-log-suite.ts";
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

test("a second thread is refused while the first holds the file, and served when it asks the first", async () => {
  const folder = mkdtempSync(join(tmpdir(), "payledger-log-thread-"));
  const file = join(folder, "events.sqlite");
  const thread = await openLogThread({ file });
  await expect(openLogThread({ file })).rejects.toMatchObject({ code: "locked" });
  expect(await thread.log.append(0, -1, makeEvents(0, 3, {}))).toBe(2);
  await thread.close();
  rmSync(folder, { recursive: true, force: true });
});

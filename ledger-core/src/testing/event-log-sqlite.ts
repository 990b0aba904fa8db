import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { openSqliteLog } from "../adapters/sqlite/event-log/log.ts";
import type { EventLog } from "../ports/event-log.ts";
import type { LogUnderTest } from "./event-log-suite.ts";

/** A path for a new log, in its own temporary folder that is removed after the test. */
export async function openTestFolder(): Promise<{ readonly folder: string; readonly file: string }> {
  const folder = await mkdtemp(join(tmpdir(), "event-log-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return { folder, file: join(folder, "events.sqlite") };
}

/** An empty SQLite log in its own temporary folder, for the duration of a test. */
export async function openTestLog(): Promise<LogUnderTest & { readonly file: string }> {
  const { file } = await openTestFolder();
  let log: EventLog = await openSqliteLog({ file });
  onTestFinished(() => log.close());
  return {
    file,
    log,
    reopen: async () => {
      await log.close();
      log = await openSqliteLog({ file });
      return log;
    },
    dispose: () => log.close(),
  };
}

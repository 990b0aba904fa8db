import { afterEach, beforeEach, describe } from "vitest";
import type { EventLog } from "../ports/event-log.ts";
import { appendSuite } from "./event-log-appends.ts";
import { readSuite } from "./event-log-reads.ts";
import { subscribeSuite } from "./event-log-subscriptions.ts";

/** An empty log under test. */
export type LogUnderTest = {
  readonly log: EventLog;
  /** The most bytes that the store accepts in one append; absent if it has no limit of its own. */
  readonly appendBytesMax?: number;
  /** Closes the log and reopens it on the same store. */
  reopen(): Promise<EventLog>;
  /** Closes everything and removes the store. */
  dispose(): Promise<void>;
};

/** The contract of an event log; every adapter passes it: `eventLogSuite("SQLite", openLog)`. */
export function eventLogSuite(name: string, open: () => Promise<LogUnderTest>): void {
  describe(`event log, ${name}`, () => {
    let current: LogUnderTest | undefined;
    beforeEach(async () => {
      current = await open();
    });
    afterEach(async () => {
      await current?.dispose();
    });
    const opened = (): LogUnderTest => {
      if (!current) throw new Error("the log is opened before each test");
      return current;
    };
    appendSuite(opened);
    readSuite(opened);
    subscribeSuite(opened);
  });
}

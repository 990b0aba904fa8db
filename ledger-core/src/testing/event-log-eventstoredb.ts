import { randomUUID } from "node:crypto";
import { openEventStoreDb } from "../adapters/eventstoredb/log.ts";
import type { LogUnderTest } from "./event-log-suite.ts";

/** An empty log on a server that keeps what earlier tests wrote: in streams that nobody else uses. */
export async function openFreshStreams(url: string): Promise<LogUnderTest> {
  const options = { streamPrefix: `test-${randomUUID()}` };
  let log = openEventStoreDb(url, options);
  return {
    log,
    appendBytesMax: 2 ** 20,
    reopen: async () => {
      await log.close();
      log = openEventStoreDb(url, options);
      return log;
    },
    dispose: () => log.close(),
  };
}

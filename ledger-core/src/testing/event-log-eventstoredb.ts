import { randomUUID } from "node:crypto";
import { openEventStoreDb } from "../adapters/eventstoredb/log.ts";
import type { LogUnderTest } from "./event-log-suite.ts";

/** An empty log in streams with a unique prefix, on a server that keeps the events of earlier tests. */
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

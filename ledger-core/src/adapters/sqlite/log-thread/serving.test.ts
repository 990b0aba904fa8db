import { MessageChannel } from "node:worker_threads";
import type { EventLog } from "../../../ports/event-log.ts";
import { openTestLog } from "../../../testing/event-log-sqlite.ts";
import { eventLogSuite, type LogUnderTest } from "../../../testing/event-log-suite.ts";
import { connectLog } from "./connection.ts";
import { serveLog } from "./serving.ts";

/** The log at the far end of a channel in this thread. */
async function openServed(log: EventLog): Promise<{ far: EventLog; stop: () => void }> {
  const { port1, port2 } = new MessageChannel();
  const stop = serveLog(log, port1);
  return { far: connectLog(port2), stop };
}

async function openThroughPort(asBatches: boolean): Promise<LogUnderTest> {
  const near = await openTestLog();
  const shown = (log: EventLog): EventLog => (asBatches ? log : withoutBatches(log));
  let served = await openServed(shown(near.log));
  return {
    log: served.far,
    reopen: async () => {
      await served.far.close();
      served = await openServed(shown(await near.reopen()));
      return served.far;
    },
    dispose: async () => {
      await served.far.close();
      await near.dispose();
    },
  };
}

/** A log with only the port's methods, like another store's adapter. */
function withoutBatches({ append, read, head, subscribe, close }: EventLog): EventLog {
  return { append, read, head, subscribe, close };
}

eventLogSuite("through a message port", () => openThroughPort(true));
eventLogSuite("through a message port, of any log", () => openThroughPort(false));

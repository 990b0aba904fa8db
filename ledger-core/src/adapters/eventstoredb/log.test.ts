import { afterAll } from "vitest";
import { startEventStoreDb } from "../../testing/engines/eventstoredb.ts";
import { openFreshStreams } from "../../testing/event-log-eventstoredb.ts";
import { eventLogSuite } from "../../testing/event-log-suite.ts";
import { startEventStoreDbServer } from "../../testing/eventstoredb-server/server.ts";

const standIn = await startEventStoreDbServer({ data: ":memory:" });
const real = await startEventStoreDb();
afterAll(async () => {
  await standIn.stop();
  await real?.stop();
});

eventLogSuite("EventStoreDB, over the stand-in", () => openFreshStreams(standIn.url));

// No package repository has a server to install, so that even a build machine may be without one.
if (real) eventLogSuite("EventStoreDB, a real server", () => openFreshStreams(real.url));
else console.warn("no EventStoreDB: set EVENTSTOREDB_URL, or run Docker, to test the adapter against a real server");

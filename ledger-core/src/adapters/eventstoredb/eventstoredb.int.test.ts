import { afterAll, describe } from "vitest";
import { startEventStoreDb } from "../../testing/engines/eventstoredb.ts";
import { openFreshStreams } from "../../testing/event-log-eventstoredb.ts";
import { eventLogSuite } from "../../testing/event-log-suite.ts";

const engine = await startEventStoreDb();
afterAll(() => engine?.stop());

// Skipped in CI too: no package repository has an EventStoreDB server to install.
describe.skipIf(!engine)(engine ? "a real server" : "no EventStoreDB: set EVENTSTOREDB_URL, or run Docker", () => {
  eventLogSuite("EventStoreDB", () => openFreshStreams(engine?.url ?? ""));
});

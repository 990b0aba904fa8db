import { afterAll } from "vitest";
import { openFreshStreams } from "../../testing/event-log-eventstoredb.ts";
import { eventLogSuite } from "../../testing/event-log-suite.ts";
import { startEventStoreDbServer } from "../../testing/eventstoredb-server/server.ts";

const server = await startEventStoreDbServer({ data: ":memory:" });
afterAll(() => server.stop());

eventLogSuite("EventStoreDB, over the stand-in", () => openFreshStreams(server.url));

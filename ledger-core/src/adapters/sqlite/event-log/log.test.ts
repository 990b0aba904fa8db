import { openTestLog } from "../../../testing/event-log-sqlite.ts";
import { eventLogSuite } from "../../../testing/event-log-suite.ts";

eventLogSuite("SQLite", openTestLog);

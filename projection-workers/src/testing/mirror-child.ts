import { openEventLogReader } from "ledger-core/engines";
import { openMirrorTarget } from "ledger-core/kafka";
import { createLogger } from "ledger-core/process";
import { startMirror } from "../mirror/mirror.ts";

/** A mirror in its own process, to be killed; its one argument is JSON. */
const { file, connection, shards, tuning } = JSON.parse(process.argv[2] ?? "{}");
const logger = createLogger({ name: "mirror", level: "error" });
const mirror = startMirror({
  log: await openEventLogReader({ kind: "sqlite", file }),
  target: openMirrorTarget(connection, { logger, tuning }),
  ...{ shards, logger },
  tuning: { retryMs: { first: 50, most: 500 } },
});
process.on("SIGTERM", () => void mirror.stop().then(() => process.exit(0)));
process.on("disconnect", () => process.exit(1));
setInterval(() => process.send?.(mirror.statuses()), 50);

import { openEventLogReader } from "ledger-core/engines";
import { eventLogPart, serviceProcess, shardsPart } from "ledger-core/process";
import { exportPart } from "./settings.ts";

/** The export as its own process: follows the log, and is the only writer of the lake's tables. */
export const exportService = serviceProcess({
  name: "export",
  operationsPort: 9085,
  parts: { target: eventLogPart, lake: exportPart, shards: shardsPart },
  async start({ target, lake, shards }, context) {
    const [{ openExport }, { startExportService }] = await Promise.all([import("./open.ts"), import("./service.ts")]);
    const opened = await openExport(lake);
    const log = await openEventLogReader(target);
    return startExportService({ ...context, ...opened, log, shards });
  },
});

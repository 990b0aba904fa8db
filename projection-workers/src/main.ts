import { openSqliteLogReader } from "ledger-core/event-log";
import { fileAuthenticator } from "ledger-core/http";
import { dataPaths, runService } from "ledger-core/process";
import { startProjectionService } from "./service.ts";
import { readProjectionSettings } from "./settings.ts";

/** Runs the projection-workers as their own process on the embedded adapters, beside a writer that shares its log. */
await runService({
  name: "projection-workers",
  read: readProjectionSettings,
  async start(settings, logger) {
    const { events, readModels, tokenKey } = dataPaths(settings.LEDGER_DATA);
    const authenticate = fileAuthenticator(tokenKey);
    return startProjectionService({
      ...{ authenticate, logger },
      log: openSqliteLogReader({ file: events }),
      dir: readModels,
      shards: settings.LEDGER_SHARDS,
      host: settings.LEDGER_HOST,
      port: settings.LEDGER_PORT,
    });
  },
});

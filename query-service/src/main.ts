import { fileAuthenticator, readKeyFile } from "ledger-core/http";
import { dataPaths, runService } from "ledger-core/process";
import { startQueryService } from "./service.ts";
import { readQuerySettings } from "./settings.ts";

/** Runs the query-service as its own process on the embedded adapters. */
await runService({
  name: "query-service",
  read: readQuerySettings,
  async start(settings, logger) {
    const { models, views, tokenKey, cursorKey } = dataPaths(settings.LEDGER_DATA);
    const authenticate = fileAuthenticator(tokenKey);
    return startQueryService({
      ...{ models, views, authenticate, logger },
      shards: settings.LEDGER_SHARDS,
      cursorKey: Buffer.from(readKeyFile(cursorKey).trim(), "base64url"),
      host: settings.LEDGER_HOST,
      port: settings.LEDGER_PORT,
    });
  },
});

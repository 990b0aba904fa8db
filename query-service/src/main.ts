import { openIdentity, readKeyFile } from "ledger-core/http";
import { apiPart, dataPart, identityPart, serviceProcess, shardsPart } from "ledger-core/process";
import { dataPaths } from "ledger-core/process/data-paths";
import { startQueryService } from "./service.ts";

/** The query-service as its own process; it reads the read models, and never the log. */
export const queryService = serviceProcess({
  name: "query-service",
  operationsPort: 9082,
  parts: { api: apiPart(8082), data: dataPart, identityTarget: identityPart, shards: shardsPart },
  start: async ({ api, data, identityTarget, shards }, context) => {
    const { models, views, tokenKey, cursorKey } = dataPaths(data);
    return startQueryService({
      ...{ ...api, ...context, models, views, shards },
      identity: openIdentity(identityTarget, tokenKey),
      cursorKey: Buffer.from(readKeyFile(cursorKey).trim(), "base64url"),
    });
  },
});

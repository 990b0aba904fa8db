import { followRevocations, openIdentity, openQuotas, readKeyFile } from "ledger-core/http";
import {
  apiPart,
  dataPart,
  graphPart,
  identityPart,
  quotasPart,
  readModelReplicaPart,
  revocationsPart,
  serviceProcess,
  shardsPart,
} from "ledger-core/process";
import { dataPaths } from "ledger-core/process/data-paths";
import { openRevocationFile } from "ledger-core/revocations";
import { startQueryService } from "./service.ts";

/** The query-service as its own process; it reads the read models, and never the log. */
export const queryService = serviceProcess({
  name: "query-service",
  operationsPort: 9082,
  parts: {
    ...{ api: apiPart(8082), data: dataPart, identityTarget: identityPart, shards: shardsPart },
    ...{ readModel: readModelReplicaPart, graph: graphPart, revocationTuning: revocationsPart, policies: quotasPart },
  },
  start: async ({ api, data, identityTarget, readModel, graph, shards, revocationTuning, policies }, context) => {
    const { tokenKey, cursorKey, revocations: file } = dataPaths(data);
    const revocations = followRevocations({
      ...{ store: openRevocationFile({ file, writes: false }), writes: false, ...revocationTuning },
      onFault: (fault) => context.logger.warn({ err: fault }, "the revoked tokens cannot be read"),
    });
    const quotas = openQuotas({ policies });
    const close = async () => {
      await quotas.close();
      await revocations.close();
    };
    try {
      const service = await startQueryService({
        ...{ ...api, ...context, readModel, graph, shards, revocations, quotas },
        identity: openIdentity(identityTarget, tokenKey, revocations),
        cursorKey: Buffer.from(readKeyFile(cursorKey).trim(), "base64url"),
      });
      return { ...service, stop: () => service.stop().then(close) };
    } catch (error) {
      await close();
      throw error;
    }
  },
});

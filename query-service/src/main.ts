import type { SessionView } from "ledger-core";
import { followRevocations, openIdentity, openQuotas, readKeyFile } from "ledger-core/http";
import {
  apiPart,
  dataPart,
  graphPart,
  identityPart,
  quotasPart,
  type RedisTarget,
  readModelReplicaPart,
  revocationsPart,
  serviceProcess,
  sessionsPart,
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
    ...{ readModel: readModelReplicaPart, graph: graphPart, sessionsAt: sessionsPart },
    ...{ revocationTuning: revocationsPart, policies: quotasPart },
  },
  start: async (configured, context) => {
    const { api, data, identityTarget, readModel, graph, shards, revocationTuning, policies, sessionsAt } = configured;
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
        sessions: await openSessions(sessionsAt, shards),
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

/** A session that takes longer is read from the models. */
const READ_MS = { commandMs: 250, connectMs: 1000 };

async function openSessions(target: RedisTarget, shards: number): Promise<SessionView | undefined> {
  if (target.kind === "none") return undefined;
  const { connectRedis, openSessionView } = await import("ledger-core/redis");
  return openSessionView({ redis: connectRedis("session views", target, READ_MS), shards });
}

import { goldPart } from "analytics-export/gold-settings";
import type { SessionView } from "ledger-core";
import { openCallerLimits, openIdentity, readKeyFile } from "ledger-core/http";
import {
  apiPart,
  callerLimitsPart,
  dataPart,
  graphPart,
  identityPart,
  type RedisTarget,
  readModelReplicaPart,
  serviceProcess,
  sessionsPart,
  shardsPart,
} from "ledger-core/process";
import { dataPaths } from "ledger-core/process/data-paths";
import { startQueryService } from "./service.ts";

/** The query-service as its own process; it reads the read models, and never the log. */
export const queryService = serviceProcess({
  name: "query-service",
  operationsPort: 9082,
  parts: {
    ...{ api: apiPart(8082), data: dataPart, identityTarget: identityPart, shards: shardsPart },
    ...{ readModel: readModelReplicaPart, graph: graphPart, sessionsAt: sessionsPart },
    ...{ limiting: callerLimitsPart, gold: goldPart },
  },
  start: async (configured, context) => {
    const { api, data, identityTarget, readModel, graph, gold, shards, limiting, sessionsAt } = configured;
    const { tokenKey, cursorKey, revocations: file } = dataPaths(data);
    const callerLimits = await openCallerLimits({ ...limiting, file, writes: false, logger: context.logger });
    try {
      const service = await startQueryService({
        ...{ ...api, ...context, readModel, graph, gold, shards, callerLimits },
        sessions: await openSessions(sessionsAt, shards),
        identity: openIdentity(identityTarget, tokenKey, callerLimits.revocations),
        cursorKey: Buffer.from(readKeyFile(cursorKey).trim(), "base64url"),
      });
      return { ...service, stop: () => service.stop().then(callerLimits.close) };
    } catch (error) {
      await callerLimits.close();
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

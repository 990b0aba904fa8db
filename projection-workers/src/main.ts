import { LedgerError } from "ledger-core";
import { openEventLogReader } from "ledger-core/engines";
import {
  brokerPart,
  consumerGroupPart,
  dataPart,
  eventLogPart,
  type GraphTarget,
  type GremlinTarget,
  graphPart,
  type MysqlTarget,
  type ReadModelTarget,
  type RedisTarget,
  readModelPart,
  type ServiceProcess,
  serviceProcess,
  sessionsPart,
  shardsPart,
} from "ledger-core/process";
import { dataPaths } from "ledger-core/process/data-paths";
import type { SessionStore } from "ledger-core/redis";
import { followMirror } from "./mirror/follow-mirror.ts";
import { startMirrorService } from "./mirror/service.ts";
import { graphServer, modelsServer } from "./projections/list.ts";
import { sessionProjection } from "./projections/session/projection.ts";
import type { StoreFile } from "./projections/store-file.ts";
import type { StoreServer } from "./projections/store-server.ts";
import { rebuildOnServer, rebuildSessions, type ServerRebuildOptions } from "./rebuild/server-rebuild.ts";
import { startProjectionService } from "./service.ts";

/** The mirror as its own process: follows the log, and is the only writer of the broker's topic. */
export const mirrorService = serviceProcess({
  name: "mirror",
  operationsPort: 9084,
  parts: { target: eventLogPart, broker: brokerPart, shards: shardsPart },
  async start({ target, broker, shards }, context) {
    if (broker.kind === "none")
      throw new LedgerError("config", "BROKER is none: set it to the kafka:// URL that the log is mirrored to");
    const { openMirrorTarget } = await import("ledger-core/kafka");
    const log = await openEventLogReader(target);
    return startMirrorService({ ...context, log, target: openMirrorTarget(broker, context), shards });
  },
});

/** Session views are a projection wherever they are in Redis. */
export const SESSION = sessionProjection.name;

export type ChosenProjections = {
  readonly files: readonly StoreFile[];
  /** Session views: always, never, or if they are in Redis. */
  readonly session: "yes" | "no" | "in Redis";
};

/** How long the others of a group wait for a member that was killed. Event Hubs takes 6000 and more. */
const GROUP_TUNING = { sessionTimeoutMs: 10_000 };

/** Projections as their own process. Events come from the broker if there is one, else from the log. */
export function projectionService({ files, session }: ChosenProjections): ServiceProcess {
  return serviceProcess({
    name: "projections",
    operationsPort: 9083,
    parts: {
      ...{ data: dataPart, target: eventLogPart, broker: brokerPart, shards: shardsPart },
      ...{ prefix: consumerGroupPart, readModel: readModelPart, graph: graphPart, sessionsAt: sessionsPart },
    },
    async start({ data, target, readModel, graph, broker, prefix, shards, sessionsAt }, context) {
      if (session === "yes" && sessionsAt.kind === "none")
        throw new LedgerError("config", "SESSIONS is models, so there is no projection session: set it to redis://…");
      const log = await openEventLogReader(target);
      const stores = storesOf(files, { readModel, graph }, shards);
      const sessions = session === "no" ? undefined : await openSessions(sessionsAt);
      const options = { ...context, ...stores, sessions, dir: dataPaths(data).readModels, shards };
      if (broker.kind === "none") return startProjectionService({ ...options, log });
      const { openMirrorSource } = await import("ledger-core/kafka");
      const names = [...files.flatMap(({ projections }) => projections), ...(sessions ? [SESSION] : [])];
      const group = prefix && [prefix, ...names].join("-");
      const mirror = openMirrorSource(broker, { ...context, ...(group && { group, tuning: GROUP_TUNING }) });
      return startProjectionService({ ...options, log: followMirror({ ...context, mirror, log }) });
    },
  });
}

/** Where a projection is that `ledger rebuild` builds again in a server. */
export type RebuiltTarget =
  | { readonly projection: "models"; readonly target: MysqlTarget }
  | { readonly projection: "graph"; readonly target: GremlinTarget }
  | { readonly projection: "session"; readonly target: RedisTarget };

/**
 * Rebuilds a projection in a server beside the live one, while every process goes on.
 * @throws LedgerError store_unavailable, incompatible, not_ready when it cannot be opened
 */
export async function rebuildServer(
  { projection, target }: RebuiltTarget,
  options: ServerRebuildOptions,
): Promise<void> {
  if (projection === "models") return rebuildOnServer(modelsServer(target, options.shards.length), options);
  if (projection === "graph") return rebuildOnServer(graphServer(target), options);
  const store = await openSessions(target);
  if (!store) throw new LedgerError("config", "SESSIONS is models, so there are no session views to rebuild");
  await rebuildSessions(store, options).finally(() => store.close());
}

type StoreTargets = { readonly readModel: ReadModelTarget; readonly graph: GraphTarget };

/** The files and servers of the projections in `files`, as the settings say. */
function storesOf(files: readonly StoreFile[], { readModel, graph }: StoreTargets, shards: number) {
  const firstFiles: Record<string, string> = {};
  const servers: StoreServer[] = [];
  const inFiles = files.filter(({ name }) => {
    const target = name === "models" ? readModel : graph;
    if (target.kind === "sqlite") firstFiles[name] = target.file;
    else servers.push(target.kind === "mysql" ? modelsServer(target, shards) : graphServer(target));
    return target.kind === "sqlite";
  });
  return { files: inFiles, firstFiles, servers };
}

/** A script of a thousand events takes tens of milliseconds, on a busy server many times that. */
const SCRIPT_MS = 10_000;

async function openSessions(target: RedisTarget): Promise<SessionStore | undefined> {
  if (target.kind === "none") return undefined;
  const { connectRedis, openSessionStore } = await import("ledger-core/redis");
  return openSessionStore({ redis: connectRedis("session views", target, { commandMs: SCRIPT_MS }) });
}

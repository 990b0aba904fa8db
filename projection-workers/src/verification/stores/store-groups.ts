import { assert } from "ledger-core";
import type { GraphTarget, MysqlTarget, ReadModelReplicas, ReadModelTarget, RedisTarget } from "ledger-core/process";
import { dataPaths } from "ledger-core/process/data-paths";
import { newestStore } from "ledger-core/sql";
import { fileOf, graphServerToCompare, modelsServers, sessionsToCompare } from "../../projections/list.ts";
import type { StoreGroup } from "../../projections/store-group.ts";
import { pathOf } from "../../running/keep-projections.ts";

/** Where the stores are, by the settings of the services. */
export type StoreTargets = {
  readonly data: string;
  readonly readModel: ReadModelTarget;
  readonly replicas: ReadModelReplicas;
  readonly graph: GraphTarget;
  readonly sessions: RedisTarget;
};

/** The stores that projections write. Drivers of servers are loaded only for those that are used. */
export async function storeGroups(targets: StoreTargets): Promise<readonly StoreGroup[]> {
  const groups = [modelsGroup(targets), await graphGroup(targets)];
  if (targets.sessions.kind === "redis") groups.push(await sessionsToCompare("sessions", targets.sessions));
  return groups;
}

function modelsGroup({ readModel, replicas }: StoreTargets): StoreGroup {
  const servers = new Map<string, MysqlTarget>();
  if (readModel.kind === "mysql") servers.set("read models", readModel);
  if (replicas.kind === "mysql")
    for (const [n, one] of replicas.replicas.entries()) servers.set(`replica ${n + 1}`, one);
  if (servers.size > 0) return modelsServers(servers);
  assert(readModel.kind === "sqlite", "a store on a server is among the servers");
  return fileOf("models").group("read models", newestStore(readModel.file));
}

async function graphGroup({ data, graph }: StoreTargets): Promise<StoreGroup> {
  if (graph.kind === "gremlin") return graphServerToCompare("graph", graph);
  const views = fileOf("graph");
  return views.group("graph", newestStore(pathOf(dataPaths(data).readModels, views)));
}

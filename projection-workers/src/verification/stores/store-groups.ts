import { assert, LedgerError } from "ledger-core";
import type { GraphTarget, MysqlTarget, ReadModelReplicas, ReadModelTarget } from "ledger-core/process";
import { dataPaths } from "ledger-core/process/data-paths";
import { newestStore } from "ledger-core/sql";
import { fileOf, modelsServers } from "../../projections/list.ts";
import type { StoreGroup } from "../../projections/store-group.ts";
import { pathOf } from "../../running/keep-projections.ts";

/** Where the stores are, by the settings of the services. */
export type StoreTargets = {
  readonly data: string;
  readonly readModel: ReadModelTarget;
  readonly replicas: ReadModelReplicas;
  readonly graph: GraphTarget;
};

/** The stores that projections write. @throws config for a graph on a server, which cannot be compared yet */
export function storeGroups({ data, readModel, replicas, graph: target }: StoreTargets): readonly StoreGroup[] {
  if (target.kind === "gremlin")
    throw new LedgerError("config", "GRAPH is a server, which cannot be compared yet: unset it to compare the others");
  const views = fileOf("graph");
  const graph = views.group("graph", newestStore(pathOf(dataPaths(data).readModels, views)));
  const servers = new Map<string, MysqlTarget>();
  if (readModel.kind === "mysql") servers.set("read models", readModel);
  if (replicas.kind === "mysql")
    for (const [n, one] of replicas.replicas.entries()) servers.set(`replica ${n + 1}`, one);
  if (servers.size > 0) return [modelsServers(servers), graph];
  assert(readModel.kind === "sqlite", "a store on a server is among the servers");
  return [fileOf("models").group("read models", newestStore(readModel.file)), graph];
}

import { assert } from "ledger-core";
import type { MysqlTarget, ReadModelReplicas, ReadModelTarget } from "ledger-core/process";
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
};

/** The stores that projections write. */
export function storeGroups({ data, readModel, replicas }: StoreTargets): readonly StoreGroup[] {
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

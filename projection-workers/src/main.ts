import { LedgerError } from "ledger-core";
import { openEventLogReader } from "ledger-core/engines";
import {
  brokerPart,
  dataPart,
  eventLogPart,
  type GraphTarget,
  graphPart,
  type ReadModelTarget,
  readModelPart,
  type ServiceProcess,
  serviceProcess,
  shardsPart,
} from "ledger-core/process";
import { dataPaths } from "ledger-core/process/data-paths";
import { followMirror } from "./mirror/follow-mirror.ts";
import { startMirrorService } from "./mirror/service.ts";
import { graphServer, modelsServer } from "./projections/list.ts";
import type { StoreFile } from "./projections/store-file.ts";
import type { StoreServer } from "./projections/store-server.ts";
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

/** Projections as their own process. Events come from the broker if there is one, else from the log. */
export function projectionService(files: readonly StoreFile[]): ServiceProcess {
  return serviceProcess({
    name: "projections",
    operationsPort: 9083,
    parts: {
      ...{ data: dataPart, target: eventLogPart, broker: brokerPart, shards: shardsPart },
      ...{ readModel: readModelPart, graph: graphPart },
    },
    async start({ data, target, readModel, graph, broker, shards }, context) {
      const log = await openEventLogReader(target);
      const stores = storesOf(files, { readModel, graph }, shards);
      const options = { ...context, ...stores, dir: dataPaths(data).readModels, shards };
      if (broker.kind === "none") return startProjectionService({ ...options, log });
      const { openMirrorSource } = await import("ledger-core/kafka");
      const mirror = openMirrorSource(broker, context);
      return startProjectionService({ ...options, log: followMirror({ ...context, mirror, log }) });
    },
  });
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

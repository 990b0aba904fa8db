import { LedgerError } from "ledger-core";
import { openEventLogReader } from "ledger-core/engines";
import {
  brokerPart,
  dataPart,
  eventLogPart,
  type ReadModelTarget,
  readModelPart,
  type ServiceProcess,
  serviceProcess,
  shardsPart,
} from "ledger-core/process";
import { dataPaths } from "ledger-core/process/data-paths";
import { followMirror } from "./mirror/follow-mirror.ts";
import { startMirrorService } from "./mirror/service.ts";
import { modelsServer } from "./projections/list.ts";
import type { StoreFile } from "./projections/store-file.ts";
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
    parts: { data: dataPart, target: eventLogPart, readModel: readModelPart, broker: brokerPart, shards: shardsPart },
    async start({ data, target, readModel, broker, shards }, context) {
      const log = await openEventLogReader(target);
      const stores = storesOf(files, readModel, shards);
      const options = { ...context, ...stores, dir: dataPaths(data).readModels, shards };
      if (broker.kind === "none") return startProjectionService({ ...options, log });
      const { openMirrorSource } = await import("ledger-core/kafka");
      const mirror = openMirrorSource(broker, context);
      return startProjectionService({ ...options, log: followMirror({ ...context, mirror, log }) });
    },
  });
}

/** The files and servers of the projections in `files`, as the settings say. */
function storesOf(files: readonly StoreFile[], readModel: ReadModelTarget, shards: number) {
  if (readModel.kind === "sqlite") return { files, firstFiles: { models: readModel.file }, servers: [] };
  const others = files.filter(({ name }) => name !== "models");
  return { files: others, servers: others.length < files.length ? [modelsServer(readModel, shards)] : [] };
}

import { openEventLogReader } from "ledger-core/engines";
import {
  dataPart,
  dataPaths,
  eventLogPart,
  type ServiceProcess,
  serviceProcess,
  shardsPart,
} from "ledger-core/process";
import type { StoreFile } from "./projections/store-file.ts";
import { startProjectionService } from "./service.ts";

/** Projections as a process of their own, beside a writer that shares its log. */
export function projectionService(files: readonly StoreFile[]): ServiceProcess {
  return serviceProcess({
    name: "projections",
    operationsPort: 9083,
    parts: { data: dataPart, target: eventLogPart, shards: shardsPart },
    start: async ({ data, target, shards }, context) =>
      startProjectionService({
        ...context,
        ...{ log: await openEventLogReader(target), files, dir: dataPaths(data).readModels, shards },
      }),
  });
}

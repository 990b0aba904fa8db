import { join } from "node:path";
import { openCallerLimits, openIdentity } from "ledger-core/http";
import { signToken } from "ledger-core/http/tokens";
import { createLogger } from "ledger-core/process";
import { dataPaths } from "ledger-core/process/data-paths";
import type { MysqlConnection } from "ledger-core/sql";
import { startQueryService } from "query-service";
import { openDataFolder } from "standalone/data-folder";
import { targetOf } from "../replica/pair.ts";
import { childOptions, serveParent } from "./child.ts";

export type ReplicaQueriesOptions = { readonly folder: string; readonly replica: MysqlConnection };
export type ReplicaQueriesReady = { readonly port: number; readonly token: string };

/** The query-service on a replica, as in production. */
const { folder, replica } = childOptions((value) => value as ReplicaQueriesOptions);
const { signingKeys } = await openDataFolder(folder);
const { tokenKey, revocations } = dataPaths(folder);
const logger = createLogger({ name: "bench", level: "error" });
const callerLimits = await openCallerLimits({ file: revocations, writes: true, policies: {}, logger });
const service = await startQueryService({
  readModel: { kind: "mysql", replicas: [targetOf(replica)] },
  graph: { kind: "sqlite", file: join(folder, "views.sqlite") },
  ...{ shards: 1, cursorKey: new Uint8Array(32).fill(7), logger, callerLimits },
  ...{ host: "127.0.0.1", port: 0, operations: { host: "127.0.0.1", port: 0 } },
  identity: openIdentity({ kind: "embedded" }, tokenKey, callerLimits.revocations),
});
const token = await signToken({ tenant: "bench", role: "operator", sub: "bench", ttlSeconds: 86_400 }, signingKeys);
const ready: ReplicaQueriesReady = { port: Number(new URL(service.url ?? "").port), token };
await serveParent(
  ready,
  async () => ({}),
  async () => {
    await service.stop();
    await callerLimits.close();
  },
);

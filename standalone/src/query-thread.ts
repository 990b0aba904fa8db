import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { assert } from "ledger-core";
import { connectSqlite } from "ledger-core/sql";
import { openPaymentGraph, openSessionView } from "projection-workers";
import { createQueryRunner, type QueryLimits, serveQueryThread } from "query-service";
import { reopenable } from "./reopenable.ts";

/** What a thread of queries is started with. */
export type QueryThreadData = {
  readonly models: string;
  readonly views: string;
  readonly shards: number;
  readonly cursorKey: Uint8Array;
  readonly limits: Partial<QueryLimits>;
};

/** A thread of queries: it reads the models and views through connections of its own, and writes nothing. */
function main(port: MessagePort, data: QueryThreadData): void {
  const { models, views, shards, cursorKey, limits } = data;
  const open = () => connectSqlite({ file: models, readOnly: true });
  let db = open();
  const session = reopenable(() => openSessionView({ file: views, readOnly: true }));
  const graph = reopenable(() => openPaymentGraph({ file: views, readOnly: true }));
  const run = createQueryRunner({
    models: () => db,
    session: { read: (tenant, owner) => session.use((view) => view.read(tenant, owner)) },
    graph: { recommend: (tenant, account, limit) => graph.use((view) => view.recommend(tenant, account, limit)) },
    shards,
    cursorKey,
    limits,
  });
  const letGo = async () => {
    await Promise.all([db.destroy(), session.close(), graph.close()]);
  };
  serveQueryThread(port, {
    run,
    async reopen() {
      await letGo();
      db = open();
    },
    close: letGo,
  });
}

assert(parentPort, "this file is a thread, started by standalone");
main(parentPort, workerData);

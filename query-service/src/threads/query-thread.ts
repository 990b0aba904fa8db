import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import type { GoldFolderData } from "analytics-export/gold";
import { assert } from "ledger-core";
import { connectSqlite } from "ledger-core/sql";
import { openPaymentGraph } from "../adapters/sqlite/payment-graph.ts";
import { openWhenRead } from "../gold.ts";
import type { QueryLimits } from "../limits.ts";
import { createQueryRunner } from "../runner.ts";
import { reopenable } from "./reopenable.ts";
import { serveQueryThread } from "./serving.ts";

/** Plain data with which a query thread is started. */
export type QueryThreadData = {
  /** The first files of read models and of views. */
  readonly models: string;
  readonly views: string;
  readonly shards: number;
  readonly cursorKey: Uint8Array;
  readonly limits: Partial<QueryLimits>;
  /** The folder of the tables of analytics jobs, if there are any. */
  readonly gold?: GoldFolderData | undefined;
};

/** A thread of queries: reads the models and views through its own connections, and writes nothing. */
function main(port: MessagePort, data: QueryThreadData): void {
  const { models, views, shards, cursorKey, limits, gold } = data;
  const open = () => connectSqlite({ file: models, newest: true, readOnly: true });
  let db = open();
  const graph = reopenable(() => openPaymentGraph({ file: views }));
  const run = createQueryRunner({
    models: () => db,
    graph: {
      recommend: (tenant, account, limit) => graph.use((view) => view.recommend(tenant, account, limit)),
      paidAmong: (account, merchants) => graph.use((view) => view.paidAmong(account, merchants)),
    },
    gold: gold && openWhenRead(async () => (await import("analytics-export/gold")).openGoldTables(gold)),
    shards,
    cursorKey,
    limits,
  });
  const letGo = async () => {
    await Promise.all([db.destroy(), graph.close()]);
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

assert(parentPort, "a thread of queries is a worker");
main(parentPort, workerData);

import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { assert } from "ledger-core";
import { createEdge } from "ledger-core/http";
import { authenticator, createSigningKeys, signToken } from "ledger-core/http/tokens";
import { createLogger } from "ledger-core/process";
import { connectMysql, connectSqlite, type MysqlConnection, openSqlite } from "ledger-core/sql";
import { storeFiles } from "projection-workers";
import { openPaymentGraph, registerQueries } from "query-service";
import { openMysqlReplicas } from "query-service/mysql";
import { fillHistory, historyBooks, openHistory } from "../history/rows.ts";
import { fillServerHistory, openServerHistory, serverHistoryBooks } from "../history/server-rows.ts";
import { targetOf } from "../replica/pair.ts";
import { childOptions, listenAnywhere, memory, serveParent } from "./child.ts";

/** To the replica; one is for the polls of its position. */
const CONNECTIONS = 5;

/** `cursorKey` in hexadecimal, so that cursors stay valid across a restart of the server. */
export type HistoryServerOptions = {
  readonly folder: string;
  readonly cursorKey: string;
  /** A server with the tables of the models, to be filled and read. Default: a file in the folder. */
  readonly server?: { readonly filled: MysqlConnection; readonly read: MysqlConnection };
};
export type HistoryServerReady = { readonly port: number; readonly token: string };
export type HistoryQuestion =
  | { readonly ask: "fill"; readonly from: number; readonly upTo: number }
  | { readonly ask: "books" | "memory" };

/** The queries on models in SQLite, as in standalone, or on a server; fills them on request. */
const { folder, cursorKey, server } = childOptions((value) => value as HistoryServerOptions);
const logger = createLogger({ name: "bench", level: "error" });
const [modelsFile, viewsFile] = [join(folder, "models.sqlite"), join(folder, "views.sqlite")];
if (!existsSync(viewsFile)) await makeFiles();
const replicas = server && (await openMysqlReplicas([targetOf(server.read)], CONNECTIONS, logger));
const file = server ? undefined : connectSqlite({ file: modelsFile, readOnly: true });
const models = replicas?.set ?? file;
assert(models, "either is there");
const graph = openPaymentGraph({ file: viewsFile });
const keys = await createSigningKeys();
const app = await createEdge({ logger, authenticate: authenticator([keys.publicKey]) });
registerQueries(app, { models, graph, shards: 1, cursorKey: Buffer.from(cursorKey, "hex") });
const port = await listenAnywhere(app);
const token = await signToken({ tenant: "bench", role: "operator", sub: "bench", ttlSeconds: 86_400 }, keys);
await serveParent({ port, token } satisfies HistoryServerReady, answer, async () => {
  await app.close();
  await Promise.all([file?.destroy(), replicas?.close(), graph.close()]);
});

async function makeFiles(): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const file of storeFiles) await (await file.open(join(folder, `${file.name}.sqlite`))).close();
  if (server) await onServer(openServerHistory);
  else onFile(openHistory);
}

async function answer(question: unknown): Promise<object> {
  const asked = question as HistoryQuestion;
  switch (asked.ask) {
    case "fill":
      if (server) await onServer((db) => fillServerHistory(db, asked.from, asked.upTo));
      else onFile((db) => fillHistory(db, asked.from, asked.upTo));
      return {};
    case "books":
      return server ? onServer(serverHistoryBooks) : onFile(historyBooks);
    case "memory":
      return memory();
    default:
      return asked satisfies never;
  }
}

/** A connection for one task. */
async function onServer<Result>(work: (db: ReturnType<typeof connectMysql>) => Promise<Result>): Promise<Result> {
  assert(server, "there is one");
  const db = connectMysql({ ...server.filled, pool: { min: 0, max: 1 } });
  try {
    return await work(db);
  } finally {
    await db.destroy();
  }
}

/** A connection without fsync, for one task. */
function onFile<Result>(work: (db: ReturnType<typeof openSqlite>) => Result): Result {
  const db = openSqlite({ file: modelsFile });
  try {
    db.exec("PRAGMA synchronous = OFF");
    return work(db);
  } finally {
    db.close();
  }
}

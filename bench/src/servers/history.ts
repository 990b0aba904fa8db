import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { createEdge } from "ledger-core/http";
import { authenticator, createSigningKeys, signToken } from "ledger-core/http/tokens";
import { createLogger } from "ledger-core/process";
import { connectSqlite, openSqlite } from "ledger-core/sql";
import { storeFiles } from "projection-workers";
import { openPaymentGraph, registerQueries } from "query-service";
import { fillHistory, historyBooks, openHistory } from "../history/rows.ts";
import { childOptions, listenAnywhere, memory, serveParent } from "./child.ts";

/** `cursorKey` in hexadecimal, so that cursors stay valid across a restart of the server. */
export type HistoryServerOptions = { readonly folder: string; readonly cursorKey: string };
export type HistoryServerReady = { readonly port: number; readonly token: string };
export type HistoryQuestion =
  | { readonly ask: "fill"; readonly from: number; readonly upTo: number }
  | { readonly ask: "books" | "memory" };

/** The real query-service on models in SQLite, assembled as in standalone; fills the file on request. */
const { folder, cursorKey } = childOptions((value) => value as HistoryServerOptions);
const [modelsFile, viewsFile] = [join(folder, "models.sqlite"), join(folder, "views.sqlite")];
if (!existsSync(modelsFile)) await makeFiles();
const models = connectSqlite({ file: modelsFile, readOnly: true });
const graph = openPaymentGraph({ file: viewsFile });
const keys = await createSigningKeys();
const logger = createLogger({ name: "bench", level: "error" });
const app = await createEdge({ logger, authenticate: authenticator([keys.publicKey]) });
registerQueries(app, { models, graph, shards: 1, cursorKey: Buffer.from(cursorKey, "hex") });
const port = await listenAnywhere(app);
const token = await signToken({ tenant: "bench", role: "operator", sub: "bench", ttlSeconds: 86_400 }, keys);
await serveParent({ port, token } satisfies HistoryServerReady, answer, async () => {
  await app.close();
  await Promise.all([models.destroy(), graph.close()]);
});

async function makeFiles(): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const file of storeFiles) await (await file.open(join(folder, `${file.name}.sqlite`))).close();
  onFile(openHistory);
}

async function answer(question: unknown): Promise<object> {
  const asked = question as HistoryQuestion;
  switch (asked.ask) {
    case "fill":
      onFile((db) => fillHistory(db, asked.from, asked.upTo));
      return {};
    case "books":
      return onFile(historyBooks);
    case "memory":
      return memory();
    default:
      return asked satisfies never;
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

import { join } from "node:path";
import { NO_REVISION } from "ledger-core";
import { openSqlite } from "ledger-core/sql";
import { randomHistory } from "ledger-core/testing";
import { expect, test } from "vitest";
import { testFolder } from "../../testing/stores.ts";
import { paymentGraph } from "./payment-graph.ts";
import { openViewStore } from "./view-store.ts";

const history = randomHistory(3, 20);

/** A views' file with the payment graph of a history, changed afterwards by a statement. */
async function tamperedFile(statement: string): Promise<string> {
  const file = join(await testFolder(), "views.sqlite");
  const store = openViewStore(paymentGraph, { file });
  await store.apply(0, NO_REVISION, history.length - 1, history.flatMap(paymentGraph.projection.project));
  await store.close();
  const database = openSqlite({ file });
  database.exec(statement);
  database.close();
  return file;
}

test("a view with tables but no bookkeeping is rebuilt", async () => {
  const file = await tamperedFile("DELETE FROM view_builds");
  const store = openViewStore(paymentGraph, { file });
  expect([await store.served(), await store.checkpoint(0)]).toEqual([{ version: 1, suffix: "" }, NO_REVISION]);
  expect(await store.rows({ version: 1, suffix: "" })("graph_edges", undefined)).toEqual([]);
  await store.close();
});

test("a view with another program's tables, beside leftovers of a rebuild, is rebuilt", async () => {
  const file = await tamperedFile("UPDATE view_builds SET version = 2, suffix = '_v2'");
  const store = openViewStore(paymentGraph, { file });
  expect(await store.served()).toEqual({ version: 1, suffix: "" });
  await store.close();
});

test.each(["' OR 1 = 1", "_v2", "(x"])("a suffix of %j that no rebuild gives is damage", async (suffix) => {
  const file = await tamperedFile(`UPDATE view_builds SET suffix = '${suffix.replaceAll("'", "''")}'`);
  const store = openViewStore(paymentGraph, { file });
  await expect(store.served()).rejects.toMatchObject({ code: "store_damaged" });
  await store.close();
});

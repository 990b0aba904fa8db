import { join } from "node:path";
import { NO_REVISION } from "ledger-core";
import { connectSqlite, selectRows } from "ledger-core/sql";
import { openTestLog, randomHistory } from "ledger-core/testing";
import { expect, onTestFinished, test } from "vitest";
import { runProjection } from "../../consumer/consumer.ts";
import { makeOldLayout } from "../../testing/old-layout.ts";
import { appendAll, modelRows, quiet, testFolder } from "../../testing/stores.ts";
import { fileOf } from "../list.ts";

const events = randomHistory(3, 120);

test("a file of the previous layout is rebuilt from the log, and nothing of it remains", async () => {
  const folder = await testFolder();
  const old = join(folder, "old.sqlite");
  makeOldLayout(old);
  const { log } = await openTestLog();
  await appendAll(log, events);

  const [mended, fresh] = [await filled(old), await filled(join(folder, "fresh.sqlite"))];
  expect(mended.started).toBe(NO_REVISION);
  expect(mended.rows).toEqual(fresh.rows);
  expect(mended.tables.map((name) => name.replace("_v2", "")).sort()).toEqual(fresh.tables);

  async function filled(file: string) {
    const opened = await fileOf("models").open(file);
    onTestFinished(() => opened.close());
    const [models] = opened.projections;
    const started = await models?.use((_, store) => store.checkpoint(0));
    const abort = new AbortController();
    const onProgress = (_name: string, _shard: number, revision: number) => {
      if (revision === events.length - 1) abort.abort();
    };
    const options = { log, shard: 0, logger: quiet, signal: abort.signal, onProgress };
    await models?.use((projection, target) => runProjection({ ...options, projection, target }).finished);
    const db = connectSqlite({ file, readOnly: true });
    onTestFinished(() => db.destroy());
    const text = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
    const tables = (await selectRows<{ name: string }>(db, text)).map(({ name }) => name);
    return { started, tables, rows: await modelRows(db) };
  }
});

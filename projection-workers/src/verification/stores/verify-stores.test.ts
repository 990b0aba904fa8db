import { cp } from "node:fs/promises";
import { join } from "node:path";
import { openEventLogReader } from "ledger-core/engines";
import { openSqliteLog } from "ledger-core/event-log";
import { optionalText, readSettings } from "ledger-core/process";
import { randomHistory, seeded } from "ledger-core/testing";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { runProjection } from "../../consumer/consumer.ts";
import { storeFiles } from "../../projections/list.ts";
import { pathOf } from "../../running/keep-projections.ts";
import { cellsOf, plantChange } from "../../testing/planted-changes.ts";
import { appendAll, fillFiles, quiet, temporaryFolder, testFolder } from "../../testing/stores.ts";
import { verifyStores } from "./verify-stores.ts";

const { PLANTED_CHANGES, PLANTED_SEED } = readSettings({
  PLANTED_CHANGES: optionalText(),
  PLANTED_SEED: optionalText(),
});
const changes = Number(PLANTED_CHANGES ?? 24);
const seed = Number(PLANTED_SEED ?? Math.floor(Math.random() * 2 ** 31));
const events = randomHistory(seed, 250);
const head = events.length - 1;
const named = { events: "log", models: "read models", views: "graph" } as const;

const bookkeeping = /^(checkpoints|model_versions|view_)/;

/** A folder with a log and the stores that were filled from it. */
let original: string;
beforeAll(async () => {
  const { folder, remove } = await temporaryFolder();
  original = folder;
  const log = await openSqliteLog({ file: join(folder, "events.sqlite"), shared: true });
  await appendAll(log, events);
  await fillFiles(folder, log, head);
  await log.close();
  return remove;
});

async function copied(): Promise<string> {
  const folder = await testFolder();
  await cp(original, folder, { recursive: true });
  return folder;
}

async function verified(folder: string, waitMs = 0) {
  const log = await openEventLogReader({ kind: "sqlite", file: join(folder, "events.sqlite") });
  onTestFinished(() => log.close());
  const groups = storeFiles.map((file) =>
    file.group(named[file.name === "models" ? "models" : "views"], pathOf(folder, file)),
  );
  const tuning = { fillMax: 100, pauseMs: 0, waitMs };
  return verifyStores({ log, shards: [0], groups, scratch: folder, tuning });
}

function plainNumbers(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}` : value;
}

test("equal stores: the same figures from the log's events and from the rows of the read models", async () => {
  const report = await verified(await copied());
  expect(report).toMatchObject({ verdict: "equal", positions: [{ shard: 0, revision: head }] });
  expect(report.stores.map(({ store, verdict }) => [store, verdict])).toEqual([
    ["read models", "equal"],
    ["graph", "equal"],
  ]);
  const [models, graph] = report.stores;
  expect(report.log?.entries).toBeGreaterThan(0);
  expect(models?.figures).toEqual(report.log);
  expect(graph?.figures).toBeNull();
});

test(`no false alarm while events are appended and projected (seed ${seed})`, async () => {
  const folder = await copied();
  const log = await openSqliteLog({ file: join(folder, "events.sqlite"), shared: true });
  const abort = new AbortController();
  const more = randomHistory(seed, 1000).slice(events.length);
  const following = Promise.all(
    storeFiles.map(async (file) => {
      const opened = await file.open(pathOf(folder, file));
      const options = { log, shard: 0, logger: quiet, signal: abort.signal };
      for (const one of opened.projections)
        await one.use((projection, target) => runProjection({ ...options, projection, target }).finished);
      await opened.close();
    }),
  );
  let appended = false;
  const appending = appendAll(log, more).then(() => {
    appended = true;
  });
  let last = -1;
  for (let runs = 0; runs < 2 || !appended; runs++) {
    const report = await verified(folder, 30_000);
    expect(report.verdict, JSON.stringify(report, plainNumbers)).toBe("equal");
    const reached = report.positions[0]?.revision ?? -1;
    expect(reached).toBeGreaterThanOrEqual(last);
    last = reached;
  }
  expect(last).toBeGreaterThan(head);
  await appending;
  abort.abort();
  await following;
  await log.close();
});

describe(`each changed cell is found and named (seed ${seed})`, () => {
  const next = seeded(seed);
  const draw = <T>(list: readonly T[]): T => {
    const drawn = list[next(list.length)];
    if (drawn === undefined) throw new Error("there is something to draw from");
    return drawn;
  };

  test(`${changes} changes`, { timeout: 2000 * changes + 30_000 }, async () => {
    for (let n = 0; n < changes; n++) {
      const folder = await copied();
      const kind = draw(["events", "models", "models", "models", "views"] as const);
      const file = join(folder, `${kind}.sqlite`);
      const cell = draw(cellsOf(file, ["model_migrations"]));
      const planted = plantChange(file, cell, next);
      const report = await verified(folder);
      const told = JSON.stringify({ n, kind, ...planted, report }, plainNumbers);
      expect(report.verdict, told).toBe("differs");
      const found = report.stores.find(({ verdict }) => verdict !== "equal");
      expect(found?.store, told).toBe(named[kind]);
      if (found?.verdict !== "differs" || planted.isKey || bookkeeping.test(planted.table)) continue;
      const { table, key, column, before, after } = planted;
      expect(found.first, told).toMatchObject({ table, key, column });
      expect([found.first?.expected, found.first?.found].map(String), told).toEqual([before, after].map(String));
    }
  });
});

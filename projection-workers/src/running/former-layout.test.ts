import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { EventSource } from "ledger-core/event-log";
import { newestStore, openSqlite } from "ledger-core/sql";
import { openTestLog, randomHistory } from "ledger-core/testing";
import { expect, onTestFinished, test } from "vitest";
import { makeOldLayouts } from "../testing/old-layout.ts";
import { appendAll, fileRows, quiet, testFolder } from "../testing/stores.ts";
import { createBoard } from "./board.ts";
import { keepProjections } from "./keep-projections.ts";
import { projectionChecks } from "./readiness.ts";
import { type ProjectionReport, REBUILDING } from "./reports.ts";

const history = randomHistory(5, 120);
const HALF = 20;
const head = history.length - 1;

test.each([
  ["models", "models", "accounts_v2"],
  ["graph", "views", "graph_edges_v2"],
])("%s of an earlier layout stay, even after a restart, until the new ones are complete", async (name, file, table) => {
  const [dir, fresh] = [await testFolder(), await testFolder()];
  const [first, next] = [join(dir, `${file}.sqlite`), join(dir, `${file}.2.sqlite`)];
  makeOldLayouts(dir);
  const { log } = await openTestLog();
  await appendAll(log, history);

  const begun = keep(dir, stoppingAfter(log, HALF));
  await begun.until(() => begun.board.revision(name, 0) === HALF - 1);
  expect(newestStore(first)).toBe(next);
  expect(begun.readiness(name)).toEqual({
    ready: false,
    detail: `at 0:${HALF - 1}, ${head + 1 - HALF} behind, ${REBUILDING}, ${Math.floor((100 * HALF) / (head + 1))} %`,
  });
  await begun.stop();
  expect(countRows(first, table)).toBe(1);

  const resumed = keep(dir, log);
  await resumed.until(() => resumed.isDone(name));
  const opened = resumed.reports.filter((report) => report.kind === "opened" && report.rebuilding);
  expect(opened).toContainEqual(
    expect.objectContaining({ positions: [expect.objectContaining({ projection: name, revision: HALF - 1 })] }),
  );
  expect(resumed.readiness(name)).toEqual({ ready: true, detail: `at 0:${head}` });
  expect(existsSync(first)).toBe(false);
  await resumed.stop();

  const plain = keep(fresh, log);
  await plain.until(() => plain.isDone(name));
  await plain.stop();
  expect(plain.reports.some((report) => report.kind === "opened" && report.rebuilding)).toBe(false);
  expect(rowsOf(next)).toEqual(rowsOf(join(fresh, `${file}.sqlite`)));
});

test("after a way back to an earlier layout, no file of either is left but the new one", async () => {
  const dir = await testFolder();
  const { log } = await openTestLog();
  await appendAll(log, history);
  const before = keep(dir, log);
  await before.until(() => before.isDone("graph"));
  await before.stop();
  makeOldLayouts(dir, 2);

  const back = keep(dir, log);
  await back.until(() => back.isDone("graph") && back.isDone("models"));
  await back.stop();
  expect(
    readdirSync(dir)
      .filter((name) => name.endsWith(".sqlite"))
      .sort(),
  ).toEqual(["models.3.sqlite", "views.3.sqlite"]);
});

function keep(dir: string, log: EventSource) {
  const board = createBoard(1);
  const reports: ProjectionReport[] = [];
  const tell = (report: ProjectionReport) => {
    reports.push(report);
    board.take(report);
  };
  const kept = keepProjections({ dir, log, shards: [0], logger: quiet, tell, tuning: { batchMax: 10 } });
  const checks = projectionChecks({ projections: board, shards: 1, head: () => head });
  const until = (fits: () => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!fits()) return;
        end();
        resolve();
      };
      const end = board.wake(look);
      look();
    });
  const stop = async () => {
    kept.obey({ kind: "stop" });
    await kept.finished;
  };
  onTestFinished(stop);
  return {
    ...{ board, reports, until, stop },
    isDone: (name: string) => board.revision(name, 0) === head && !board.trouble(name, 0),
    readiness: (of: string) => checks.find(({ name }) => name === of)?.check(),
  };
}

/** A log whose subscriptions deliver `count` events and then wait for their end. */
function stoppingAfter(log: EventSource, events: number): EventSource {
  return {
    ...{ read: log.read, head: (shard) => log.head(shard), close: () => log.close() },
    async *subscribe(shard, from, signal) {
      for await (const delivery of log.subscribe(shard, from, signal)) {
        const shown = delivery.kind === "events" ? delivery.events.filter(({ revision }) => revision < events) : [];
        if (shown.length > 0) yield { kind: "events", events: shown };
        if (delivery.kind === "events" && shown.length === delivery.events.length) continue;
        return await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      }
    },
  };
}

function countRows(path: string, table: string): number {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n);
  } finally {
    database.close();
  }
}

function rowsOf(path: string): Record<string, unknown[]> {
  const database = openSqlite({ file: path, readOnly: true });
  try {
    return fileRows(database);
  } finally {
    database.close();
  }
}

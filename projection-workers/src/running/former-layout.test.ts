import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { EventSource } from "ledger-core/event-log";
import { connectSqlite, newestStore } from "ledger-core/sql";
import { openTestLog, randomHistory } from "ledger-core/testing";
import { expect, onTestFinished, test } from "vitest";
import { makeOldLayout } from "../testing/old-layout.ts";
import { appendAll, modelRows, quiet, testFolder } from "../testing/stores.ts";
import { createBoard } from "./board.ts";
import { keepProjections } from "./keep-projections.ts";
import { projectionChecks } from "./readiness.ts";
import { type ProjectionReport, REBUILDING } from "./reports.ts";

const history = randomHistory(5, 120);
const HALF = 20;
const head = history.length - 1;

test("read models of an earlier layout stay, even after a restart, until the new ones are complete", async () => {
  const [dir, fresh] = [await testFolder(), await testFolder()];
  const first = join(dir, "models.sqlite");
  makeOldLayout(first);
  const { log } = await openTestLog();
  await appendAll(log, history);

  const begun = keep(dir, stoppingAfter(log, HALF));
  await begun.until(() => begun.board.revision("models", 0) === HALF - 1);
  expect(newestStore(first)).toBe(join(dir, "models.2.sqlite"));
  expect(begun.readiness()).toEqual({
    ready: false,
    detail: `at 0:${HALF - 1}, ${head + 1 - HALF} behind, ${REBUILDING}, ${Math.floor((100 * HALF) / (head + 1))} %`,
  });
  await begun.stop();
  expect(oldRows(first)).toBe(1);

  const resumed = keep(dir, log);
  await resumed.until(() => resumed.board.revision("models", 0) === head && !resumed.board.trouble("models", 0));
  const opened = resumed.reports.filter((report) => report.kind === "opened" && report.rebuilding);
  expect(opened).toMatchObject([{ positions: [{ projection: "models", shard: 0, revision: HALF - 1 }] }]);
  expect(resumed.readiness()).toEqual({ ready: true, detail: `at 0:${head}` });
  expect(existsSync(first)).toBe(false);
  await resumed.stop();

  const plain = keep(fresh, log);
  await plain.until(() => plain.board.revision("models", 0) === head && !plain.board.trouble("models", 0));
  await plain.stop();
  expect(plain.reports.some((report) => report.kind === "opened" && report.rebuilding)).toBe(false);
  expect(await rowsOf(join(dir, "models.2.sqlite"))).toEqual(await rowsOf(join(fresh, "models.sqlite")));
});

function keep(dir: string, log: EventSource) {
  const board = createBoard(1);
  const reports: ProjectionReport[] = [];
  const tell = (report: ProjectionReport) => {
    reports.push(report);
    board.take(report);
  };
  const kept = keepProjections({ dir, log, shards: [0], logger: quiet, tell, tuning: { batchMax: 10 } });
  const check = projectionChecks({ projections: board, shards: 1, head: () => head }).find(
    ({ name }) => name === "models",
  );
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
  return { board, reports, until, stop, readiness: () => check?.check() };
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

function oldRows(path: string): number {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return Number(database.prepare("SELECT count(*) AS n FROM accounts_v2").get()?.n);
  } finally {
    database.close();
  }
}

async function rowsOf(file: string) {
  const db = connectSqlite({ file, readOnly: true });
  try {
    return await modelRows(db);
  } finally {
    await db.destroy();
  }
}

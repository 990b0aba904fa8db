import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openSqliteLog } from "ledger-core/event-log";
import { newestStore } from "ledger-core/sql";
import { randomHistory } from "ledger-core/testing";
import { expect, onTestFinished, test } from "vitest";
import { appendAll, quiet, testFolder } from "../testing/stores.ts";
import { createBoard } from "./board.ts";
import { keepProjections } from "./keep-projections.ts";

const history = randomHistory(5, 60);
const early = history.slice(0, 40);

/** Projections of a log's first events, kept in a folder; resolves once these are projected. */
async function keptProjections() {
  const dir = await testFolder();
  const log = await openSqliteLog({ file: join(dir, "events.sqlite") });
  await appendAll(log, early);
  const board = createBoard(1);
  const keeper = { asideEveryMs: 0, watchMs: 10 };
  const kept = keepProjections({ dir, log, shards: [0], logger: quiet, tell: board.take, keeper });
  onTestFinished(async () => {
    kept.obey({ kind: "stop" });
    await kept.finished;
    await log.close();
  });
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
  const reached = (events: typeof history) => until(() => board.revision("models", 0) === events.length - 1);
  await reached(early);
  return { ...{ dir, log, board, until, reached }, first: join(dir, "models.sqlite"), obey: kept.obey };
}

function countEntries(database: DatabaseSync): number {
  return Number(database.prepare("SELECT count(*) AS n FROM entries").get()?.n);
}

test("a connection to a file that first reads after it was set aside does not find the next file's WAL", async () => {
  const { first, log, board, until, reached, obey } = await keptProjections();
  // SQLite opens a file's WAL and wal-index at the first read, by name.
  const late = new DatabaseSync(first, { readOnly: true });
  onTestFinished(() => late.close());
  obey({ kind: "damaged", file: "models", reason: "a test says so" });
  await until(() => board.setAside("models") === 1);
  await appendAll(log, history.slice(early.length));
  await reached(history);
  expect(() => countEntries(late)).toThrow("disk I/O error");
  const served = new DatabaseSync(newestStore(first), { readOnly: true });
  onTestFinished(() => served.close());
  expect(countEntries(served)).toBeGreaterThan(0);
  expect(existsSync(`${first}.damaged`)).toBe(true);
});

test("the name of a deleted file is not used again", async () => {
  const { dir, first, board, until, reached } = await keptProjections();
  for (const end of ["", "-wal", "-shm"]) rmSync(first + end);
  await until(() => board.setAside("models") === 1);
  await reached(early);
  expect(newestStore(first)).toBe(join(dir, "models.2.sqlite"));
  expect(existsSync(first)).toBe(false);
});

test("a damaged file that cannot be set aside is used on", async () => {
  const { first, log, reached, obey } = await keptProjections();
  mkdirSync(`${first}.damaged`);
  obey({ kind: "damaged", file: "models", reason: "a test says so" });
  await appendAll(log, history.slice(early.length));
  await reached(history);
  expect(newestStore(first)).toBe(first);
});

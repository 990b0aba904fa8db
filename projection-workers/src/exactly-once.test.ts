import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { NO_REVISION, postingsOf } from "ledger-core";
import { openSqliteLog } from "ledger-core/event-log";
import { connectSqlite, numberOfId, openSqlite } from "ledger-core/sql";
import { randomHistory, seeded } from "ledger-core/testing";
import { expect, onTestFinished, test } from "vitest";
import { runProjection } from "./consumer/consumer.ts";
import { modelsTarget } from "./projections/models/model.ts";
import { modelsProjection } from "./projections/models/projection.ts";
import { makeOldLayouts } from "./testing/old-layout.ts";
import { scriptedLog } from "./testing/scripted-log.ts";
import { appendAll, fileRows, modelRows, quiet, stored, testFolder, testModels } from "./testing/stores.ts";

const history = randomHistory(9, 600);
const head = history.length - 1;

/** The balance of each account according to the log. */
function balancesOf(events: typeof history): Map<string, bigint> {
  return new Map(events.flatMap(({ fact }) => postingsOf(fact)).map(({ account, balance }) => [account, balance]));
}

async function replayed(): Promise<Record<string, unknown[]>> {
  const { db } = await testModels();
  await modelsTarget(db).apply(0, NO_REVISION, head, history.flatMap(modelsProjection.project));
  return modelRows(db);
}

test("case 9: two replays are equal, and balances are those of the log", async () => {
  const rows = await replayed();
  expect(await replayed()).toEqual(rows);
  // The last row of an account is its newest, since rows are sorted by run, account and revision.
  const balances = new Map((rows.entries ?? []).map((row) => [textOf(row, "account"), textOf(row, "balance")]));
  for (const [account, balance] of balancesOf(history))
    expect(balances.get(`${numberOfId(account)}`)).toBe(`${balance}`);
});

function textOf(row: unknown, column: string): string {
  return String(Object.entries(row ?? {}).find(([name]) => name === column)?.[1]);
}

test.each([1, 2, 3])("case 9: duplicated and reordered deliveries end equal (seed %i)", async (seed) => {
  const next = seeded(seed);
  const events = stored(history);
  const { db } = await testModels();
  const target = modelsTarget(db);
  const log = scriptedLog((from) => {
    const deliveries = [];
    for (let at = from; at < events.length; ) {
      // Delivers at least once, as a broker does: goes back by some events, then on by more. Sometimes a delivery
      // overtakes the previous one.
      const start = Math.max(0, at - next(9));
      const end = Math.min(events.length, at + 1 + next(30));
      deliveries.push(events.slice(start, end));
      if (next(4) === 0) deliveries.push(deliveries[next(deliveries.length)] ?? []);
      if (next(12) === 0) deliveries.push(events.slice(end + 1, end + 3), events.slice(end, end + 1));
      at = end;
    }
    return { deliveries };
  });
  let gaps = 0;
  while ((await target.checkpoint(0)) < head) {
    const abort = new AbortController();
    const run = runProjection({
      ...{ log, shard: 0, projection: modelsProjection, target, signal: abort.signal, logger: quiet, batchMax: 40 },
      onStatus: ({ state }) => {
        if (state === "live") abort.abort();
      },
    });
    await run.finished;
    // A gap halts it; the broker then delivers from the checkpoint to the next one started.
    if (run.status().state === "halted") gaps++;
  }
  expect(gaps).toBeGreaterThan(0);
  expect(await modelRows(db)).toEqual(await replayed());
});

const child = fileURLToPath(new URL("./testing/projector-child.ts", import.meta.url));

/** The last line of a projector that has caught up. */
const ENDED = "complete";

/** Runs the projector until it has printed `lines` lines, and kills it before it has printed two more. */
async function runChild(folder: string, lines: number): Promise<string | undefined> {
  const projector = spawn(process.execPath, [child, folder, "32", `${lines + 2}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void projector.kill("SIGKILL"));
  const exit = once(projector, "exit");
  let last: string | undefined;
  let seen = 0;
  for await (const line of createInterface({ input: projector.stdout })) {
    last = line;
    if (++seen === lines) projector.kill("SIGKILL");
  }
  const [code, signal] = await exit;
  if (code !== 0 && signal !== "SIGKILL") throw new Error(`the projector ended with ${code ?? signal}`);
  return last;
}

/** A dozen processes, one after another. */
const KILLED = { timeout: 180_000 };

test.each([
  ["new files", "", () => undefined],
  ["files beside those of a former layout", ".2", makeOldLayouts],
])("a projector of %s, killed repeatedly in mid-batch, applies each event once", KILLED, async (_, number, prepare) => {
  const folder = await testFolder();
  prepare(folder);
  const log = await openSqliteLog({ file: join(folder, "events.sqlite") });
  await appendAll(log, history);
  await log.close();
  const seed = Date.now() % 2 ** 31;
  const next = seeded(seed);
  let kills = 0;
  while ((await runChild(folder, 1 + next(8))) !== ENDED) kills++;
  expect(kills, `seed ${seed}`).toBeGreaterThan(2);

  const db = connectSqlite({ file: join(folder, `models${number}.sqlite`), readOnly: true });
  onTestFinished(() => db.destroy());
  expect(await modelRows(db), `seed ${seed}`).toEqual(await replayed());

  const clean = await testFolder();
  const other = await openSqliteLog({ file: join(clean, "events.sqlite") });
  await appendAll(other, history);
  await other.close();
  expect(await runChild(clean, Number.POSITIVE_INFINITY)).toBe(ENDED);
  const paths = [join(folder, `views${number}.sqlite`), join(clean, "views.sqlite")];
  const views = paths.map((file) => openSqlite({ file, readOnly: true }));
  const [killed, whole] = views.map(fileRows);
  for (const view of views) view.close();
  expect(killed, `seed ${seed}`).toEqual(whole);
  const files = readdirSync(folder).filter((name) => name.endsWith(".sqlite"));
  expect(files.sort()).toEqual(["events.sqlite", `models${number}.sqlite`, `views${number}.sqlite`]);
});

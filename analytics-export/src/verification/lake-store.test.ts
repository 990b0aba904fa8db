import { randomInt, randomUUID } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeEvent, encodeEvent, LedgerError } from "ledger-core";
import type { EventLog } from "ledger-core/event-log";
import { openTestLog, randomHistory } from "ledger-core/testing";
import { verifyStores, verifyTuning } from "projection-workers";
import { beforeEach, expect, test } from "vitest";
import { commitPath, encodeCommit } from "../delta/actions.ts";
import { makeDataFiles } from "../delta/batch.ts";
import type { Row } from "../delta/columns.ts";
import { readLog } from "../delta/log.ts";
import { readDataFile } from "../delta/rows.ts";
import { DeltaTable } from "../delta/table.ts";
import type { Lake } from "../ports/lake.ts";
import { type ExportTable, exportTables } from "../tables/tables.ts";
import { names } from "../testing/folder.ts";
import { lakePerTest } from "../testing/lake-per-test.ts";
import { lakeStore } from "./lake-store.ts";

const seed = Number(process.env.LEDGER_SEED ?? randomInt(2 ** 31));
const history = randomHistory(seed, 200);
const head = history.length - 1;

const here = lakePerTest();
let log: EventLog;
beforeEach(async () => {
  ({ log } = await openTestLog());
  await log.append(
    0,
    -1,
    history.map((event) => ({ id: event.id, at: event.at, ...encodeEvent(event) })),
  );
});

function tableNamed(name: string): ExportTable {
  const table = exportTables.find((one) => one.name === name);
  if (!table) throw new Error(`${name} is a table`);
  return table;
}

/** Exports the events up to a revision in commits of 70. */
async function exportUpTo(table: ExportTable, last: number, lake = here.lake): Promise<void> {
  const target = new DeltaTable({ lake, shape: table, uniqueName: randomUUID, nowMs: Date.now });
  for (let from = 0; from <= last; from += 70) {
    const upTo = Math.min(from + 69, last);
    const rows: Row[] = [];
    for await (const events of log.read(0, from, { limit: upTo + 1 - from }))
      for (const stored of events) rows.push(...table.rows(decodeEvent(stored), stored, names));
    await target.apply(0, from - 1, upTo, rows);
  }
}

async function exportAll(last = head): Promise<void> {
  for (const table of exportTables) await exportUpTo(table, last);
}

function verified(into: Lake = here.lake) {
  const others = [lakeStore({ log, lake: into, names })];
  return verifyStores({
    log,
    shards: [0],
    groups: [],
    others,
    scratch: tmpdir(),
    tuning: { ...verifyTuning, waitMs: 0 },
  });
}

/** Replaces a table's newest file by one with other rows, as a writer with a right checksum would. */
async function rewrite(name: string, change: (rows: readonly Row[]) => readonly Row[]): Promise<void> {
  const table = tableNamed(name);
  const { snapshot, version } = await readLog(here.lake, name, { files: true });
  const [add] = snapshot.adds.values();
  if (!add) throw new Error(`${name} has a file`);
  const rows = change(await readDataFile(here.lake, table, add));
  const files = makeDataFiles(table, rows, { uniqueName: randomUUID, nowMs: 0 });
  for (const { path, bytes } of files) await here.lake.create(`${name}/${path}`, bytes);
  const remove = { path: add.path, deletionTimestamp: 0, dataChange: true };
  const actions = [{ remove }, ...files.map((file) => ({ add: file.add }))];
  await here.lake.create(commitPath(name, version + 1), encodeCommit("UPDATE", 0, actions));
}

test(`an exported log and its lake are equal, figures and all (seed ${seed})`, async () => {
  await exportAll();
  const { verdict, positions, log: figures, stores } = await verified();
  expect(stores).toMatchObject([{ store: "lake", verdict: "equal", positions: [{ shard: 0, revision: head }] }]);
  expect(stores[0]?.detail).toMatch(/^\d+ rows equal the log, leaves [0-9a-f]{16}$/);
  expect(verdict).toBe("equal");
  expect(positions).toEqual([{ shard: 0, revision: head }]);
  expect(figures?.entries).toBeGreaterThan(0);
});

test("a lake that is behind is not known, and the figures end where it ends", async () => {
  const end = Math.floor(head / 2);
  await exportAll(end);
  const { verdict, positions, stores } = await verified();
  expect(positions).toEqual([{ shard: 0, revision: end }]);
  expect(stores[0]?.detail).toMatch(new RegExp(`, and ${head - end} events of the log are missing yet$`));
  expect([verdict, stores[0]?.verdict]).toEqual(["unknown", "unknown"]);
});

test("tables at different positions are compared each as far as it is", async () => {
  for (const table of exportTables) await exportUpTo(table, table.name === "accounts" ? 20 : head);
  const { positions, stores } = await verified();
  expect(positions).toEqual([{ shard: 0, revision: 20 }]);
  expect(stores[0]).toMatchObject({ verdict: "unknown", first: null });
});

test("an altered amount is named with its event, what the log says and what is there", async () => {
  await exportAll();
  const at = (name: string) => tableNamed("postings").columns.findIndex((column) => column.name === name);
  let altered: Row = [];
  await rewrite("postings", (rows) => {
    altered = rows[1] ?? [];
    return rows.map((row, index) => (index === 1 ? row.with(at("amount"), BigInt(row[at("amount")] ?? 0) + 1n) : row));
  });
  const { verdict, stores } = await verified();
  const revision = Number(altered[at("revision")]);
  const amount = BigInt(altered[at("amount")] ?? 0);
  expect(verdict).toBe("differs");
  expect(stores[0]?.first).toEqual({
    ...{ table: "postings", key: `0/${revision}/${altered[at("posting")]}`, column: "amount", account: null },
    ...{
      expected: `${amount}`,
      found: `${amount + 1n}`,
      event: history[revision]?.id,
      position: { shard: 0, revision },
    },
  });
});

test("a row too few and a row too many are named", async () => {
  await exportAll();
  await rewrite("ledger_events", (rows) => rows.slice(0, -1));
  const [missing] = (await verified()).stores;
  expect(missing).toMatchObject({ verdict: "differs", first: { table: "ledger_events" } });
  rmSync(join(here.dir, "ledger_events"), { recursive: true });
  await exportUpTo(tableNamed("ledger_events"), head, here.open());
  expect((await verified()).verdict).toBe("equal");
  await rewrite("payments", (rows) => [...rows, ...rows.slice(-1)]);
  const [surplus] = (await verified()).stores;
  expect(surplus).toMatchObject({ verdict: "differs", first: { table: "payments" } });
});

test("a changed byte makes the lake unreadable", async () => {
  await exportAll();
  const { snapshot } = await readLog(here.lake, "accounts", { files: true });
  const file = join(here.dir, "accounts", decodeURIComponent([...snapshot.adds.keys()][0] ?? ""));
  const bytes = readFileSync(file);
  bytes[9] = (bytes[9] ?? 0) ^ 1;
  writeFileSync(file, bytes);
  expect((await verified()).stores).toMatchObject([{ verdict: "unreadable", first: null }]);
});

test("a lake that is away is not known", async () => {
  const away: Lake = { ...here.lake, read: () => Promise.reject(new LedgerError("store_unavailable", "planted")) };
  const { verdict, stores } = await verified(away);
  expect(stores).toMatchObject([{ store: "lake", verdict: "unknown", detail: "store_unavailable: planted" }]);
  expect(verdict).toBe("unknown");
});

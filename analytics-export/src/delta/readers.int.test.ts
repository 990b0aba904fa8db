import { randomUUID } from "node:crypto";
import { assert, formatInstant, NO_REVISION } from "ledger-core";
import { randomHistory } from "ledger-core/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Lake } from "../ports/lake.ts";
import { exportTables } from "../tables/tables.ts";
import { findDeltaRs, queryDelta } from "../testing/delta-rs.ts";
import { makeLakeFolder, names } from "../testing/folder.ts";
import { dayText, type Row } from "./columns.ts";
import { DeltaTable } from "./table.ts";

const found = findDeltaRs();
if ("absent" in found) console.warn(found.absent);

const history = randomHistory(11, 300);
const last = history.length - 1;
/** The history in each table, in commits of 40 events; all rows by table. */
async function exportHistory(
  lake: Lake,
  { checkpointEvery, copyRowsMin }: { readonly checkpointEvery: number; readonly copyRowsMin?: number },
): Promise<Readonly<Record<string, readonly Row[]>>> {
  const stored = { version: 1, leaf: new Uint8Array(32) };
  const all: Record<string, Row[]> = {};
  for (const shape of exportTables) {
    // With many files, small ones are merged.
    const maintenance = { compaction: { targetBytes: 2 ** 20, filesMin: 2, ...(copyRowsMin && { copyRowsMin }) } };
    const options = { lake, shape, uniqueName: randomUUID, nowMs: Date.now };
    const table = new DeltaTable({ ...options, checkpointEvery, maintenance });
    for (let at = NO_REVISION; at < last; ) {
      const upTo = Math.min(at + 40, last);
      const rows = history.slice(at + 1, upTo + 1).flatMap((event) => [...shape.rows(event, stored, names)]);
      await table.apply(0, at, upTo, rows);
      all[shape.name] = [...(all[shape.name] ?? []), ...rows];
      at = upTo;
    }
  }
  return all;
}

describe.skipIf("absent" in found)("absent" in found ? found.absent : "read by delta-rs", () => {
  const python = "python" in found ? found.python : "";

  test.each([
    ["with checkpoints and merged files", { checkpointEvery: 3 }],
    ["with row groups that were copied", { checkpointEvery: 3, copyRowsMin: 1 }],
    ["without a checkpoint", { checkpointEvery: 1000 }],
  ])("counts, sums, types, times, days and bounds are right, %s", async (_, tuning) => {
    const folder = makeLakeFolder();
    onTestFinished(() => folder.remove());
    const rows = await exportHistory(folder.open(), tuning);
    const [events = [], postings = []] = exportTables.map(({ name }) => rows[name] ?? []);
    const counts = exportTables.map(({ name }) => `(select count(*) from ${name}) as ${name}`);
    const from = Math.floor(last / 2);
    const byDay = Map.groupBy(events, ([day]) => dayText(Number(day)));
    const queries = [
      `select ${counts.join(", ")}`,
      "select currency, sum(amount), max(balance) from postings group by currency",
      `select count(*), min(revision) from ledger_events where revision >= ${from} and shard = 0`,
      "select count(distinct revision), max(revision) from ledger_events",
      "select booked_date, count(*) from ledger_events group by booked_date order by booked_date",
      "select min(booked_at), max(booked_at), min(arrow_typeof(booked_at)) from ledger_events",
      "select min(arrow_typeof(amount)), min(arrow_typeof(effective_date)), min(effective_date) from postings",
      "select count(*) from postings group by shard, revision, currency having sum(amount) <> 0",
    ];
    const answers = await queryDelta(python, folder.dir, queries);
    const instants = [history[0], history.at(-1)].map((event) => formatInstant(event?.at ?? 0));
    const days = postings.map((row) => Number(row[11]));
    expect(answers[0]).toEqual([exportTables.map(({ name }) => String(rows[name]?.length))]);
    const balances = postings.map((row) => BigInt(row[9] ?? 0));
    const most = balances.reduce((a, b) => (a > b ? a : b));
    expect(answers[1]).toEqual([["HKD", "0", String(most)]]);
    expect(answers[2]).toEqual([[String(last + 1 - from), String(from)]]);
    expect(answers[3]).toEqual([[String(last + 1), String(last)]]);
    expect(answers[4]).toEqual([...byDay].map(([day, of]) => [day, String(of.length)]));
    const pythonTime = (instant: string) => instant.replace("T", " ").replace(/(\.0+)?Z$/, "+00:00");
    expect(answers[5]).toEqual([[...instants.map(pythonTime), 'Timestamp(µs, "UTC")']]);
    expect(answers[6]).toEqual([["Int64", "Date32", dayText(Math.min(...days))]]);
    expect(answers[7]).toEqual([]);
  });

  test("a query written before a column was added still answers, and the column is null in earlier rows", async () => {
    const folder = makeLakeFolder();
    onTestFinished(() => folder.remove());
    const [wide] = exportTables;
    assert(wide, "there is a table");
    const added = { name: "added", type: "string", nullable: true, about: "new" } as const;
    const later = { ...wide, columns: [...wide.columns, added] };
    const stored = { version: 1, leaf: new Uint8Array(32) };
    const rows = history.flatMap((event) => [...wide.rows(event, stored, names)]);
    const options = { lake: folder.open(), uniqueName: randomUUID, nowMs: Date.now };
    await new DeltaTable({ ...options, shape: wide }).apply(0, NO_REVISION, 99, rows.slice(0, 100));
    const query = ["select count(*), max(revision), count(leaf) from ledger_events"];
    expect(await queryDelta(python, folder.dir, query)).toEqual([[["100", "99", "100"]]]);
    const moreRows = rows.slice(100).map((row) => [...row, "yes"]);
    await new DeltaTable({ ...options, shape: later }).apply(0, 99, last, moreRows);
    const all = String(last + 1);
    const asked = [...query, "select count(*), count(added) from ledger_events"];
    expect(await queryDelta(python, folder.dir, asked)).toEqual([
      [[all, String(last), all]],
      [[all, String(last - 99)]],
    ]);
  });
});

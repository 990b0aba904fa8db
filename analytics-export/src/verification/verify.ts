import { createHash } from "node:crypto";
import {
  decodeEvent,
  formatPosition,
  isLedgerError,
  NO_REVISION,
  type Position,
  type Revision,
  type Shard,
} from "ledger-core";
import type { EventSource } from "ledger-core/event-log";
import type { FirstDifference } from "projection-workers";
import type { Add } from "../delta/actions.ts";
import type { Row } from "../delta/columns.ts";
import { missingCommits, readLog } from "../delta/log.ts";
import type { Lake } from "../ports/lake.ts";
import type { Pseudonyms } from "../tables/pseudonyms.ts";
import type { ExportTable } from "../tables/tables.ts";
import { cellText, rowsInOrder, rowText } from "./lake-rows.ts";

/** A table of the lake beside the log, for one shard. */
export type LakeComparison = {
  readonly table: string;
  readonly shard: Shard;
  /** The last revision that the table says it holds. */
  readonly last: Revision;
  readonly head: Revision;
  readonly rows: number;
  /** SHA-256 over all cells in the order of revisions, hex; equal for equal rows. */
  readonly hash: string;
  /** The sum of postings by currency, minor units, from the lake alone; for the table of postings. */
  readonly sums: Readonly<Record<string, bigint>>;
  readonly figures: LakeFigures;
  /** The first difference, in words; null if there is none. */
  readonly fault: string | null;
  /** The same, unless the table cannot be read. */
  readonly first: FirstDifference | null;
};

/** Totals of a table's rows up to a revision, from the lake alone. */
export type LakeFigures = {
  /** Rows of postings, and what they credit by currency, in minor units. */
  readonly entries: number;
  readonly credited: Readonly<Record<string, string>>;
  /** SHA-256 over the leaves of the events in their order, hex; null for the other tables. */
  readonly leaves: string | null;
};

export type ComparisonOptions = {
  readonly log: EventSource;
  readonly lake: Lake;
  readonly table: ExportTable;
  readonly names: Pseudonyms;
  readonly shard: Shard;
  /** Where the figures end. Default: with the table. */
  readonly upTo?: Revision;
};

type Hash = ReturnType<typeof createHash>;
type Found = {
  rows: number;
  entries: number;
  readonly sums: Record<string, bigint>;
  readonly credited: Record<string, bigint>;
  readonly hash: Hash;
  readonly leaves: Hash | undefined;
};

type Difference = Pick<LakeComparison, "fault" | "first">;
const none: Difference = { fault: null, first: null };

/**
 * Makes each row that the log's events should have given, and compares it with the lake's, cell by cell, up to the
 * revision that the table says it holds. Reads files one after another; nothing is changed or stopped.
 */
export async function verifyTable(options: ComparisonOptions): Promise<LakeComparison> {
  const { log, lake, table, shard } = options;
  const found = startFinding(table);
  const head = await log.head(shard);
  let last = NO_REVISION;
  let difference = none;
  try {
    const { missing, to } = await missingCommits(lake, table.name);
    const { version, snapshot } = await readLog(lake, table.name, { files: true });
    last = snapshot.txns.get(`payledger/${table.name}/${shard}`) ?? NO_REVISION;
    if (missing.length > 0)
      difference = damage(`commit ${missing[0]} of ${table.name} is missing; the newest is ${to}`);
    else if (version !== to) difference = damage(`${table.name} ends at version ${version}, and commit ${to} is there`);
    else difference = await compareRows(options, [...snapshot.adds.values()], last, head, found);
  } catch (error) {
    if (!isLedgerError(error, "store_damaged")) throw error;
    difference = damage(error.message);
  }
  const { rows, sums, hash } = found;
  return {
    ...{ table: table.name, shard, last, head, rows, sums, hash: hash.digest("hex") },
    ...{ figures: figuresOf(found), ...difference },
  };
}

function startFinding({ columns }: ExportTable): Found {
  const leaves = columns.some(({ name }) => name === "leaf") ? createHash("sha256") : undefined;
  return { rows: 0, entries: 0, sums: {}, credited: {}, hash: createHash("sha256"), leaves };
}

function figuresOf({ entries, credited, leaves }: Found): LakeFigures {
  const sums = Object.entries(credited).map(([currency, sum]) => [currency, `${sum}`] as const);
  return { entries, credited: Object.fromEntries(sums.sort()), leaves: leaves?.digest("hex") ?? null };
}

function damage(fault: string): Difference {
  return { fault, first: null };
}

async function compareRows(
  options: ComparisonOptions,
  adds: readonly Add[],
  last: Revision,
  head: Revision,
  found: Found,
): Promise<Difference> {
  const { table, shard } = options;
  if (last > head) return damage(`${table.name} holds shard ${shard} up to ${last}, and the log ends at ${head}`);
  const actual = lakeRows(options, adds, found)[Symbol.asyncIterator]();
  try {
    for await (const { row, event } of loggedRows(options, last)) {
      const next = await actual.next();
      const difference = differenceOf(table, row, event, next.done ? undefined : next.value);
      if (difference) return difference;
    }
    const extra = await actual.next();
    if (extra.done) return none;
    const fault = `${table.name} has a row too many at ${formatPosition(placeOf(table, extra.value))}`;
    return { fault, first: firstOf(table, extra.value, { event: null, expected: null, found: "a row" }) };
  } finally {
    await actual.return?.(undefined);
  }
}

type LoggedRow = { readonly row: Row; readonly event: string };

/** The rows that the log gives, in its order. */
async function* loggedRows(options: ComparisonOptions, last: Revision): AsyncGenerator<LoggedRow> {
  const { log, table, names, shard } = options;
  if (last === NO_REVISION) return;
  for await (const events of log.read(shard, 0)) {
    for (const stored of events) {
      if (stored.revision > last) return;
      for (const row of table.rows(decodeEvent(stored), stored, names)) yield { row, event: stored.id };
    }
  }
}

/** The lake's rows, counted, summed and hashed on their way. */
async function* lakeRows(options: ComparisonOptions, adds: readonly Add[], found: Found): AsyncGenerator<Row> {
  const { table, upTo = Number.MAX_SAFE_INTEGER } = options;
  const at = (name: string) => table.columns.findIndex((column) => column.name === name);
  const [revision, amount, currency, leaf] = [at("revision"), at("amount"), at("currency"), at("leaf")];
  for await (const row of rowsInOrder(options, adds)) {
    found.rows += 1;
    found.hash.update(rowText(row));
    const counts = Number(row[revision]) <= upTo;
    if (counts) found.leaves?.update(String(row[leaf]));
    if (table.name === "postings") addPosting(found, String(row[currency]), BigInt(row[amount] ?? 0), counts);
    yield row;
  }
}

function addPosting(found: Found, currency: string, amount: bigint, counts: boolean): void {
  const { sums, credited } = found;
  sums[currency] = (sums[currency] ?? 0n) + amount;
  if (!counts) return;
  found.entries += 1;
  if (amount > 0n) credited[currency] = (credited[currency] ?? 0n) + amount;
}

/** The first cell that differs, or a missing row. */
function differenceOf(table: ExportTable, expected: Row, event: string, actual: Row | undefined): Difference | null {
  const place = formatPosition(placeOf(table, expected));
  if (!actual) {
    const first = firstOf(table, expected, { event, expected: "a row", found: null });
    return { fault: `${table.name} has no row for ${place}`, first };
  }
  const index = expected.findIndex((cell, at) => cell !== actual[at]);
  if (index < 0) return null;
  const column = table.columns[index]?.name ?? "";
  const [is, should] = [cellText(actual[index]), cellText(expected[index])];
  const first = { ...firstOf(table, expected, { event, expected: should, found: is }), column };
  return { fault: `${table.name} differs at ${place}: ${column} is ${is}, the log says ${should}`, first };
}

function firstOf(
  table: ExportTable,
  row: Row,
  named: Pick<FirstDifference, "event" | "expected" | "found">,
): FirstDifference {
  const position = placeOf(table, row);
  const posting = row[table.columns.findIndex(({ name }) => name === "posting")];
  const key = [position.shard, position.revision, ...(posting === undefined ? [] : [posting])].join("/");
  return { table: table.name, key, column: null, account: null, position, ...named };
}

function placeOf({ columns }: ExportTable, row: Row): Position {
  const cell = (wanted: string) => Number(row[columns.findIndex(({ name }) => name === wanted)]);
  return { shard: cell("shard"), revision: cell("revision") };
}

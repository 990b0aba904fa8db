import { createHash } from "node:crypto";
import { decodeEvent, formatPosition, isLedgerError, NO_REVISION, type Revision, type Shard } from "ledger-core";
import type { EventSource } from "ledger-core/event-log";
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
  /** The first difference, in words; null if there is none. */
  readonly fault: string | null;
};

export type ComparisonOptions = {
  readonly log: EventSource;
  readonly lake: Lake;
  readonly table: ExportTable;
  readonly names: Pseudonyms;
  readonly shard: Shard;
};

type Found = { rows: number; readonly sums: Record<string, bigint>; readonly hash: ReturnType<typeof createHash> };

/**
 * Makes each row that the log's events should have given, and compares it with the lake's, cell by cell, up to the
 * revision that the table says it holds. Reads files one after another; nothing is changed or stopped.
 */
export async function verifyTable(options: ComparisonOptions): Promise<LakeComparison> {
  const { log, lake, table, shard } = options;
  const found: Found = { rows: 0, sums: {}, hash: createHash("sha256") };
  const head = await log.head(shard);
  let last = NO_REVISION;
  let fault: string | null = null;
  try {
    const { missing, to } = await missingCommits(lake, table.name);
    const { version, snapshot } = await readLog(lake, table.name, { files: true });
    last = snapshot.txns.get(`payledger/${table.name}/${shard}`) ?? NO_REVISION;
    if (missing.length > 0) fault = `commit ${missing[0]} of ${table.name} is missing; the newest is ${to}`;
    else if (version !== to) fault = `${table.name} ends at version ${version}, and commit ${to} is there`;
    else fault = await compareRows(options, [...snapshot.adds.values()], last, head, found);
  } catch (error) {
    if (!isLedgerError(error, "store_damaged")) throw error;
    fault = error.message;
  }
  const { rows, sums, hash } = found;
  return { table: table.name, shard, last, head, rows, sums, hash: hash.digest("hex"), fault };
}

async function compareRows(
  options: ComparisonOptions,
  adds: readonly Add[],
  last: Revision,
  head: Revision,
  found: Found,
): Promise<string | null> {
  const { table, shard } = options;
  if (last > head) return `${table.name} holds shard ${shard} up to ${last}, and the log ends at ${head}`;
  const actual = lakeRows(options, adds, found)[Symbol.asyncIterator]();
  try {
    for await (const expected of loggedRows(options, last)) {
      const next = await actual.next();
      const difference = next.done
        ? `has no row for ${placeOf(table, expected)}`
        : differenceOf(table, expected, next.value);
      if (difference !== null) return `${table.name} ${difference}`;
    }
    const extra = await actual.next();
    return extra.done ? null : `${table.name} has a row too many at ${placeOf(table, extra.value)}`;
  } finally {
    await actual.return?.(undefined);
  }
}

/** The rows that the log gives, in its order. */
async function* loggedRows({ log, table, names, shard }: ComparisonOptions, last: Revision): AsyncGenerator<Row> {
  if (last === NO_REVISION) return;
  for await (const events of log.read(shard, 0)) {
    for (const stored of events) {
      if (stored.revision > last) return;
      yield* table.rows(decodeEvent(stored), stored, names);
    }
  }
}

/** The lake's rows, counted, summed and hashed on their way. */
async function* lakeRows(options: ComparisonOptions, adds: readonly Add[], found: Found): AsyncGenerator<Row> {
  const { table } = options;
  const at = (name: string) => table.columns.findIndex((column) => column.name === name);
  const [amount, currency] = [at("amount"), at("currency")];
  for await (const row of rowsInOrder(options, adds)) {
    found.rows += 1;
    found.hash.update(rowText(row));
    const code = String(row[currency]);
    if (table.name === "postings") found.sums[code] = (found.sums[code] ?? 0n) + BigInt(row[amount] ?? 0);
    yield row;
  }
}

/** The first cell that differs, in words. */
function differenceOf(table: ExportTable, expected: Row, actual: Row): string | null {
  const index = expected.findIndex((cell, at) => cell !== actual[at]);
  if (index < 0) return null;
  const column = table.columns[index]?.name ?? "";
  const [is, should] = [cellText(actual[index]), cellText(expected[index])];
  return `differs at ${placeOf(table, expected)}: ${column} is ${is}, the log says ${should}`;
}

function placeOf({ columns }: ExportTable, row: Row): string {
  const cell = (wanted: string) => Number(row[columns.findIndex(({ name }) => name === wanted)]);
  return formatPosition({ shard: cell("shard"), revision: cell("revision") });
}

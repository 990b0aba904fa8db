import type { Micros } from "ledger-core";
import { instant, number } from "./columns.ts";
import { type EntryRead, entryRows, firstEntry } from "./entry-rows.ts";
import { type ModelsSnapshot, type NumberRange, numbersOf, select } from "./snapshot.ts";
import { all, joined, type Order, type Sql, sql, way } from "./sql.ts";

/** A walk through the rows of one index, each of which has an event's number. */
export type Walk = {
  /** Selects the `number` of the first matching rows. */
  numbers(range: NumberRange, order: Order, limit: number): Sql;
  /** The number of the first row, matching or not, as an expression. */
  first(range: NumberRange, order: Order): Sql;
  /** Selects `number` and `at` of the nth row, matching or not. Absent if every row matches. */
  readonly nth?: (range: NumberRange, order: Order, n: number) => Sql;
};

/** A table `from` along an index with a number in it. */
export type IndexWalk = {
  readonly from: Sql;
  /** Conditions on the index, apart from the range. */
  readonly where?: Sql | undefined;
  readonly number: Sql;
  /** Present if only some rows match: their condition, and the column of a row's time. */
  readonly scan?: { readonly wanted: Sql; readonly at: Sql };
};

export function walkIndex({ from, where, number: column, scan }: IndexWalk): Walk {
  const rows = (columns: Sql, range: NumberRange, order: Order, wanted?: Sql) =>
    sql`SELECT ${columns} FROM ${from} WHERE ${all(where, within(column, range), wanted)}
      ORDER BY ${column} ${way(order)}`;
  const named = sql`${column} AS number`;
  const walk: Walk = {
    numbers: (range, order, limit) => sql`${rows(named, range, order, scan?.wanted)} LIMIT ${limit}`,
    first: (range, order) => sql`(${rows(named, range, order)} LIMIT 1)`,
  };
  if (!scan) return walk;
  const timed = sql`${named}, ${scan.at} AS at`;
  return { ...walk, nth: (range, order, n) => sql`${rows(timed, range, order)} LIMIT 1 OFFSET ${n - 1}` };
}

/** The matching entries of an account. */
export function walkEntries(snapshot: ModelsSnapshot, account: Sql, shard: number, wanted: Sql): Walk {
  const base = numbersOf(shard).from;
  const named = sql`e.revision + ${base} AS number, e.revision, e.idx`;
  const read = (columns: Sql, { from, below }: NumberRange, order: Order): EntryRead => ({
    ...{ columns, account, order, shard: sql`${shard}` },
    revisions: { from: from - base, below: below - base },
  });
  return {
    numbers: (range, order, limit) => entryRows(snapshot, { ...read(named, range, order), wanted }, limit),
    first: (range, order) => firstEntry(snapshot, read(sql`e.revision + ${base}`, range, order)),
    nth: (range, order, n) => entryRows(snapshot, read(sql`${named}, e.at`, range, order), 1, n - 1),
  };
}

/** The numbers that any of the walks finds, without duplicates. Every walk is short, so the cost is walks × limit. */
export function mergedNumbers(walks: readonly Walk[], range: NumberRange, order: Order, limit: number): Sql {
  const [only, ...others] = walks;
  if (only && others.length === 0) return only.numbers(range, order, limit);
  const found = walks.map((walk) => sql`SELECT number FROM (${walk.numbers(range, order, limit)}) AS w`);
  return sql`${joined(found, " UNION ")} ORDER BY number ${way(order)} LIMIT ${limit}`;
}

function within(column: Sql, { from, below }: NumberRange): Sql {
  return sql`${column} >= ${from} AND ${column} < ${below}`;
}

/** The event where a scan ended. */
export type ScanEnd = { readonly number: number; readonly at: Micros };

/**
 * Where the walks have scanned `most` rows in total, if they have that many: the row of the walk that ends first. All
 * matching rows up to there are found, including those of the same event.
 */
export async function scanEnd(
  snapshot: ModelsSnapshot,
  walks: readonly Walk[],
  range: NumberRange,
  order: Order,
  most: number,
): Promise<ScanEnd | undefined> {
  const scans = walks.flatMap(({ nth }) => (nth ? [nth] : []));
  if (scans.length === 0) return undefined;
  const each = Math.max(1, Math.floor(most / scans.length));
  const ends = scans.map((nth) => sql`SELECT number, at FROM (${nth(range, order, each)}) AS w`);
  const rows = await select(snapshot, joined(ends, " UNION ALL "));
  const [first] = rows
    .map((row) => ({ number: number(row, "number"), at: instant(row, "at") }))
    .sort((a, b) => (order === "desc" ? b.number - a.number : a.number - b.number));
  return first;
}

/** A range cut off after an event. */
export function cutAfter(range: NumberRange, number: number, order: Order): NumberRange {
  return order === "desc" ? { ...range, from: number } : { ...range, below: number + 1 };
}

/** The rest of a range after an event. */
export function beyond(range: NumberRange, number: number, order: Order): NumberRange {
  return order === "desc" ? { ...range, below: number } : { ...range, from: number + 1 };
}

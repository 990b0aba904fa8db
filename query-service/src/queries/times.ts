import { MILESTONE_SPAN, type Micros, type Shard } from "ledger-core";
import { numberOf } from "ledger-core/sql";
import { number } from "./columns.ts";
import { along, type ModelsSnapshot, type NumberRange, numbersOf, select } from "./snapshot.ts";
import { joined, plain, type Sql, sql } from "./sql.ts";
import type { Walk } from "./walks.ts";

const byTime = ["shard", "at", "span"] as const;

/**
 * Where in a shard a time lies: everything booked before it is below `below`, everything booked at or after it is at or
 * above `from`. Between them are at most MILESTONE_SPAN revisions with rows.
 */
export async function around(snapshot: ModelsSnapshot, shard: Shard, at: Micros): Promise<NumberRange> {
  const [range] = await aroundEach(snapshot, shard, [at]);
  return range ?? numbersOf(shard);
}

/** The same for several times, in one statement. */
async function aroundEach(snapshot: ModelsSnapshot, shard: Shard, times: readonly Micros[]): Promise<NumberRange[]> {
  const milestones = along(snapshot, "milestones", "m", byTime);
  const spans = times.flatMap((at, n) => [
    sql`(SELECT m.span FROM ${milestones} WHERE m.shard = ${shard} AND m.at < ${BigInt(at)}
      ORDER BY m.at DESC, m.span DESC LIMIT 1) AS ${plain(`last_${n}`)}`,
    sql`(SELECT m.span FROM ${milestones} WHERE m.shard = ${shard} AND m.at >= ${BigInt(at)}
      ORDER BY m.at, m.span LIMIT 1) AS ${plain(`next_${n}`)}`,
  ]);
  const [row = {}] = await select(snapshot, sql`SELECT ${joined(spans, ", ")}`);
  const whole = numbersOf(shard);
  const start = (column: string) => numberOf({ shard, revision: number(row, column) * MILESTONE_SPAN });
  return times.map((_, n) => ({
    from: row[`last_${n}`] === null ? whole.from : start(`last_${n}`),
    below: row[`next_${n}`] === null ? whole.below : start(`next_${n}`),
  }));
}

/** Makes a walk through the rows of a list whose time matches a condition; `at` names the time's column. */
export type TimedWalk = { readonly at: Sql; of(wanted: Sql): Walk };

/**
 * For each time a number that separates a list's rows before it from the others: it and all above are not before. Two
 * statements, or none if all times are undefined.
 */
export async function firstAtEach(
  snapshot: ModelsSnapshot,
  shard: Shard,
  times: readonly (Micros | undefined)[],
  { at, of }: TimedWalk,
): Promise<readonly (number | undefined)[]> {
  const given = times.filter((time) => time !== undefined);
  if (given.length === 0) return [];
  const ranges = await aroundEach(snapshot, shard, given);
  const firsts = given.map((time, n) => {
    const first = of(sql`${at} >= ${BigInt(time)}`).numbers(ranges[n] ?? numbersOf(shard), "asc", 1);
    return sql`(SELECT w.number FROM (${first}) AS w) AS ${plain(`first_${n}`)}`;
  });
  const [row = {}] = await select(snapshot, sql`SELECT ${joined(firsts, ", ")}`);
  const found = ranges.map(({ below }, n) => (row[`first_${n}`] === null ? below : number(row, `first_${n}`)));
  return times.map((time) => (time === undefined ? undefined : found.shift()));
}

import { MILESTONE_SPAN, type Micros, type Shard } from "ledger-core";
import { numberOf } from "ledger-core/sql";
import { number } from "./columns.ts";
import { along, type ModelsSnapshot, type NumberRange, numbersOf, select } from "./snapshot.ts";
import { type Sql, sql } from "./sql.ts";
import type { Walk } from "./walks.ts";

const byTime = ["shard", "at", "span"] as const;

/**
 * Where in a shard a time lies: everything booked before it is below `below`, everything booked at or after it is at or
 * above `from`. Between them are at most MILESTONE_SPAN revisions with rows.
 */
export async function around(snapshot: ModelsSnapshot, shard: Shard, at: Micros): Promise<NumberRange> {
  const milestones = along(snapshot, "milestones", "m", byTime);
  const last = sql`SELECT m.span FROM ${milestones} WHERE m.shard = ${shard} AND m.at < ${BigInt(at)}
    ORDER BY m.at DESC, m.span DESC LIMIT 1`;
  const next = sql`SELECT m.span FROM ${milestones} WHERE m.shard = ${shard} AND m.at >= ${BigInt(at)}
    ORDER BY m.at, m.span LIMIT 1`;
  const [row = {}] = await select(snapshot, sql`SELECT (${last}) AS last_span, (${next}) AS next_span`);
  const whole = numbersOf(shard);
  const start = (column: string) => numberOf({ shard, revision: number(row, column) * MILESTONE_SPAN });
  return {
    from: row.last_span === null ? whole.from : start("last_span"),
    below: row.next_span === null ? whole.below : start("next_span"),
  };
}

/** Makes a walk through the rows of a list whose time matches a condition; `at` names the time's column. */
export type TimedWalk = { readonly at: Sql; of(wanted: Sql): Walk };

/** A number that separates a list's rows before a time from the others: it and all above are not before. */
export async function firstAt(
  snapshot: ModelsSnapshot,
  shard: Shard,
  time: Micros,
  { at, of }: TimedWalk,
): Promise<number> {
  const range = await around(snapshot, shard, time);
  const [row] = await select(snapshot, of(sql`${at} >= ${BigInt(time)}`).numbers(range, "asc", 1));
  return row ? number(row, "number") : range.below;
}

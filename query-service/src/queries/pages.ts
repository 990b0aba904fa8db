import { idBody, type Micros, readId, type Shard } from "ledger-core";
import { positionOf } from "ledger-core/sql";
import type { ReadRow } from "./columns.ts";
import { type ModelsSnapshot, type NumberRange, numbersOf, select } from "./snapshot.ts";
import type { Order, Sql } from "./sql.ts";
import { firstAtEach, type TimedWalk } from "./times.ts";
import { beyond, cutAfter, mergedNumbers, type ScanEnd, scanEnd, type Walk } from "./walks.ts";

/** A page of a list ordered by id, and so by time. */
export type IdPage = {
  readonly limit: number;
  readonly order: Order;
  /** The key of the previous page's last row: the 26 characters of an id. */
  readonly after: string | undefined;
};

/** Rows of a list, and the key to continue after; null at the end of the list. */
export type Listed<Row> = { readonly rows: readonly Row[]; readonly last: string | null };

/** The rows that a list found in one shard, in order, and where it stopped scanning if that was before the end. */
export type ShardRows<Row> = { readonly rows: readonly Row[]; readonly end?: ScanEnd | undefined };

/** The times that a list is limited to: from `from` on, before `to`. */
export type Times = { readonly from?: Micros | undefined; readonly to?: Micros | undefined };

/**
 * The numbers of one shard that a page may hold; `walk` finds every row of the list with its time. Ids sort by
 * millisecond, shard and revision: in all shards but that of the previous page's last row, its millisecond is the
 * bound.
 */
export async function rangeOfPage(
  snapshot: ModelsSnapshot,
  shard: Shard,
  { order, after }: IdPage,
  { from, to }: Times,
  walk: TimedWalk,
): Promise<NumberRange> {
  const whole = numbersOf(shard);
  const key = after === undefined ? undefined : readId(after);
  const isBeside = key !== undefined && key.shard !== shard;
  const beside = isBeside ? (key.timeMs + (shard < key.shard ? 1 : 0)) * 1000 : undefined;
  const [since, until, next] = await firstAtEach(snapshot, shard, [from, to, beside], walk);
  const lower = [whole.from, since ?? whole.from];
  const upper = [whole.below, until ?? whole.below];
  if (key !== undefined) {
    const own = whole.from + key.revision + (order === "desc" ? 0 : 1);
    const bound = isBeside ? (next ?? whole.below) : own;
    if (order === "desc") upper.push(bound);
    else lower.push(bound);
  }
  return { from: Math.max(...lower), below: Math.min(...upper) };
}

/** The first rows of one shard that the walks find. `rowsOf` reads the rows of the numbers in a table `page`. */
export async function firstRows<Row>(
  snapshot: ModelsSnapshot,
  walks: readonly Walk[],
  range: NumberRange,
  { limit, order }: IdPage,
  { rowsOf, decode }: { readonly rowsOf: (page: Sql) => Sql; readonly decode: (row: ReadRow) => Row },
): Promise<ShardRows<Row>> {
  if (walks.length === 0) return { rows: [] };
  const { scanMax } = snapshot.limits;
  // A short scan is usually enough.
  const first = Math.min(4 * (limit + 1), scanMax);
  const rows: Row[] = [];
  let rest = range;
  let end: ScanEnd | undefined;
  for (const most of first < scanMax ? [first, scanMax - first] : [scanMax]) {
    end = await scanEnd(snapshot, walks, rest, order, most);
    const seen = end ? cutAfter(rest, end.number, order) : rest;
    const found = await select(snapshot, rowsOf(mergedNumbers(walks, seen, order, limit + 1)));
    rows.push(...found.map(decode));
    if (!end || rows.length > limit) break;
    rest = beyond(rest, end.number, order);
  }
  return { rows, end };
}

const SALT_MAX = 2 ** 30 - 1;

/** Merges the rows of the shards into one page, which ends where the first shard stopped scanning. */
export function mergePage<Row extends { readonly id: string }>(
  shards: readonly ShardRows<Row>[],
  { limit, order }: IdPage,
): Listed<Row> {
  const isBefore = (a: string, b: string) => (order === "desc" ? a > b : a < b);
  const byKey = (a: string, b: string) => (isBefore(a, b) ? -1 : isBefore(b, a) ? 1 : 0);
  // After every row of the event that it names.
  const keyOf = ({ at, number }: ScanEnd) => idBody(at, positionOf(number), order === "desc" ? 0 : SALT_MAX);
  const [end] = shards.flatMap((shard) => (shard.end ? [keyOf(shard.end)] : [])).sort(byKey);
  const rows = shards
    .flatMap((shard) => shard.rows.map((row) => ({ row, key: row.id.slice(-26) })))
    .filter(({ key }) => end === undefined || !isBefore(end, key))
    .sort((a, b) => byKey(a.key, b.key));
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1)?.key : end;
  return { rows: page.map(({ row }) => row), last: last ?? null };
}

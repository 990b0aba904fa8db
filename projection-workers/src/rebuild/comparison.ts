import {
  type Build,
  type KeyedTable,
  LedgerError,
  type Position,
  type ProjectionStore,
  type Revision,
  ROWS_AT_A_TIME,
  type RowReader,
  type Shard,
  type StoreMoment,
  type StoreRow,
} from "ledger-core";
import type { Fill } from "./filling.ts";
import type { Steps } from "./steps.ts";

export type Difference = {
  readonly table: string;
  /** The values of the key, separated by `/`. */
  readonly key: string;
  /** Null if only the other build has the row. */
  readonly live: StoreRow | null;
  readonly rebuilt: StoreRow | null;
};

/** `differences` are the first DIFFERENCES_MAX of the `differing` rows. */
export type BuildComparison = {
  /** Where the live build was when it was compared. */
  readonly positions: readonly Position[];
  readonly rows: number;
  readonly differing: number;
  readonly differences: readonly Difference[];
};

/** Looks at rows of the live build as they are compared. `read` reads other rows of the same moment. */
export type RowObserver = (table: string, rows: readonly StoreRow[], read: RowReader) => Promise<void>;

export const DIFFERENCES_MAX = 100;

/** How builds are brought to the same position and compared. */
type Comparing<Change> = {
  readonly fill: Fill<Change>;
  readonly steps: Steps;
  readonly observe?: RowObserver | undefined;
};

/**
 * Compares a build with the served build of `live` at one moment, after filling it to that moment's positions; the live
 * build continues meanwhile. In a rebuild `store` is `live` itself.
 */
export function compareAtOneMoment<Change>(
  live: ProjectionStore<Change>,
  { store, build }: { readonly store: ProjectionStore<Change>; readonly build: Build },
  shards: readonly Shard[],
  { fill, ...comparing }: Comparing<Change>,
): Promise<BuildComparison> {
  return live.atOneMoment(async (moment) => {
    const positions: Position[] = [];
    const differences: Difference[] = [];
    const target = store.target(build);
    for (const shard of shards) positions.push({ shard, revision: await moment.checkpoint(shard) });
    for (const { shard, revision } of positions) {
      await fill(target, shard, revision);
      const reached = await target.checkpoint(shard);
      if (reached !== revision) differences.push(checkpointDifference(shard, revision, reached));
    }
    const compared = await compareBuilds(store.tables, moment, store.rows(build), comparing);
    return {
      ...{ positions, rows: compared.rows, differing: compared.differing + differences.length },
      differences: [...differences, ...compared.differences].slice(0, DIFFERENCES_MAX),
    };
  });
}

/** A live build that is ahead of the log, or has gone back. */
export function checkpointDifference(shard: Shard, live: Revision, rebuilt: Revision): Difference {
  return {
    table: "checkpoints",
    key: `${shard}`,
    live: { shard, revision: live },
    rebuilt: { shard, revision: rebuilt },
  };
}

/** Compares two builds, table by table and row for row, in bounded memory. */
async function compareBuilds(
  tables: readonly KeyedTable[],
  { rows: live, mayLack }: StoreMoment,
  rebuilt: RowReader,
  { steps, observe }: Omit<Comparing<unknown>, "fill">,
): Promise<Omit<BuildComparison, "positions">> {
  let rows = 0;
  let differing = 0;
  const differences: Difference[] = [];
  for (const table of tables) {
    const { name, key } = table;
    const [one, other] = [walk(live, table), walk(rebuilt, table)];
    while (true) {
      if (one.at === one.rows.length && (await readOn(one, steps))) await observe?.(name, one.rows, live);
      if (other.at === other.rows.length) await readOn(other, steps);
      const [left, right] = [one.rows[one.at], other.rows[other.at]];
      if (!left && !right) break;
      rows++;
      const order = !left ? 1 : !right ? -1 : compareKeys(left, right, key);
      if (order <= 0) one.at++;
      if (order >= 0) other.at++;
      if (left && right && order === 0 && equal(left, right)) continue;
      if (right && order > 0 && (await mayLack?.(name, right))) continue;
      differing++;
      if (differences.length === DIFFERENCES_MAX) continue;
      const [ours, theirs] = [order <= 0 ? left : undefined, order >= 0 ? right : undefined];
      const place = key.map((column) => String((ours ?? theirs)?.[column])).join("/");
      differences.push({ table: name, key: place, live: printable(ours), rebuilt: printable(theirs) });
    }
  }
  return { rows, differing, differences };
}

/** Iterates a table, one read at a time. */
type Walk = {
  readonly read: RowReader;
  readonly table: KeyedTable;
  rows: readonly StoreRow[];
  at: number;
  ended: boolean;
};

function walk(read: RowReader, table: KeyedTable): Walk {
  return { read, table, rows: [], at: 0, ended: false };
}

/**
 * Returns whether there was more to read.
 * @throws row_unreadable if the rows are not in the order of their keys: a damaged index could be walked forever
 */
async function readOn(walk: Walk, steps: Steps): Promise<boolean> {
  if (walk.ended) return false;
  const { name, key } = walk.table;
  let last = walk.rows.at(-1);
  // SQLite answers without a turn of the event loop, and live projections of this thread would not advance meanwhile.
  await steps.end();
  walk.rows = await walk.read(name, last);
  walk.at = 0;
  walk.ended = walk.rows.length < ROWS_AT_A_TIME;
  for (const row of walk.rows) {
    if (last && compareKeys(last, row, key) >= 0)
      throw new LedgerError("row_unreadable", `the rows of ${name} are not in the order of their key`);
    last = row;
  }
  return true;
}

function compareKeys(one: StoreRow, other: StoreRow, key: readonly string[]): number {
  for (const column of key) {
    const order = compareValues(one[column], other[column]);
    if (order !== 0) return order;
  }
  return 0;
}

/** Orders values as the stores do: numbers by value, text by its UTF-8 bytes. */
function compareValues(one: unknown, other: unknown): number {
  if (one === other) return 0;
  if (typeof one === "string" && typeof other === "string") return Buffer.compare(Buffer.from(one), Buffer.from(other));
  return Number(one) < Number(other) ? -1 : 1;
}

function equal(one: StoreRow, other: StoreRow): boolean {
  for (const column in one) if (one[column] !== other[column]) return false;
  return true;
}

export function printable(row: StoreRow | undefined): StoreRow | null {
  if (!row) return null;
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => [column, typeof value === "bigint" ? value.toString() : value]),
  );
}

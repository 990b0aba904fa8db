import { LedgerError } from "ledger-core";

export type Row = { readonly [column: string]: unknown };

export type Difference = {
  readonly table: string;
  /** The values of the key, separated by `/`. */
  readonly key: string;
  /** Null: only the other build has the row. */
  readonly live: Row | null;
  readonly rebuilt: Row | null;
};

/** `differences` are the first DIFFERENCES_MAX of the `differing` rows. */
export type Comparison = {
  readonly rows: number;
  readonly differing: number;
  readonly differences: readonly Difference[];
};

export const DIFFERENCES_MAX = 100;
/** Rows that are read at a time. */
export const COMPARED_AT_A_TIME = 1000;

/** Up to COMPARED_AT_A_TIME rows in the order of the key, after a row; none at the end. */
export type RowSource = (after: Row | undefined) => Promise<readonly Row[]>;

export type ComparedTable = {
  readonly name: string;
  readonly key: readonly string[];
  readonly live: RowSource;
  readonly rebuilt: RowSource;
};

/** Compares two builds, table by table and row for row, in bounded memory. */
export async function compareTables(tables: readonly ComparedTable[]): Promise<Comparison> {
  let rows = 0;
  let differing = 0;
  const differences: Difference[] = [];
  for (const table of tables) {
    const { name, key, live, rebuilt } = table;
    for await (const [one, other] of pairs(walk(live, table), walk(rebuilt, table), key)) {
      rows++;
      if (one && other && equal(one, other)) continue;
      differing++;
      if (differences.length === DIFFERENCES_MAX) continue;
      const place = key.map((column) => String((one ?? other)?.[column])).join("/");
      differences.push({ table: name, key: place, live: printable(one), rebuilt: printable(other) });
    }
  }
  return { rows, differing, differences };
}

/** @throws row_unreadable when the rows are not in the order of their key: a damaged index could be walked for ever */
async function* walk(
  source: RowSource,
  { name, key }: Pick<ComparedTable, "name" | "key">,
): AsyncGenerator<Row, undefined> {
  let last: Row | undefined;
  while (true) {
    const rows = await source(last);
    for (const row of rows) {
      if (last && compareKeys(last, row, key) >= 0)
        throw new LedgerError("row_unreadable", `the rows of ${name} are not in the order of their key`);
      yield row;
      last = row;
    }
    if (!last || rows.length < COMPARED_AT_A_TIME) return;
  }
}

/** Rows of the same key together; a row that only one side has stands alone. */
async function* pairs(
  left: AsyncGenerator<Row, undefined>,
  right: AsyncGenerator<Row, undefined>,
  key: readonly string[],
): AsyncIterable<readonly [Row | undefined, Row | undefined]> {
  let one = (await left.next()).value;
  let other = (await right.next()).value;
  while (one || other) {
    const order = !one ? 1 : !other ? -1 : compareKeys(one, other, key);
    yield [order <= 0 ? one : undefined, order >= 0 ? other : undefined];
    if (order <= 0) one = (await left.next()).value;
    if (order >= 0) other = (await right.next()).value;
  }
}

function compareKeys(one: Row, other: Row, key: readonly string[]): number {
  for (const column of key) {
    const order = compareValues(one[column], other[column]);
    if (order !== 0) return order;
  }
  return 0;
}

/** As the stores order them: numbers by value, text by its bytes in UTF-8. */
function compareValues(one: unknown, other: unknown): number {
  if (one === other) return 0;
  if (typeof one === "string" && typeof other === "string") return Buffer.compare(Buffer.from(one), Buffer.from(other));
  return Number(one) < Number(other) ? -1 : 1;
}

function equal(one: Row, other: Row): boolean {
  for (const column in one) if (one[column] !== other[column]) return false;
  return true;
}

function printable(row: Row | undefined): Row | null {
  if (!row) return null;
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => [column, typeof value === "bigint" ? value.toString() : value]),
  );
}

import type { Shard } from "ledger-core";
import type { Add } from "../delta/actions.ts";
import type { Cell, Row, TableShape } from "../delta/columns.ts";
import { boundsOf } from "../delta/compaction.ts";
import { readDataFile } from "../delta/rows.ts";
import type { Lake } from "../ports/lake.ts";

type LakeTable = { readonly lake: Lake; readonly table: TableShape; readonly shard: Shard };

/** A shard's rows in these files, in the order of revisions. Files overlap only where others have rewritten them. */
export async function* rowsInOrder({ lake, table, shard }: LakeTable, adds: Iterable<Add>): AsyncGenerator<Row> {
  const at = (name: string) => table.columns.findIndex((column) => column.name === name);
  const [shardAt, revision, posting] = [at("shard"), at("revision"), at("posting")];
  for (const files of overlapping(ofShard(adds, shard))) {
    const rows: Row[] = [];
    for (const add of files)
      for (const row of await readDataFile(lake, table, add)) if (row[shardAt] === shard) rows.push(row);
    rows.sort((a, b) => Number(a[revision]) - Number(b[revision]) || Number(a[posting]) - Number(b[posting]));
    yield* rows;
  }
}

function ofShard(adds: Iterable<Add>, wanted: Shard): readonly Add[] {
  return Array.from(adds).filter((add) => {
    const { shard } = boundsOf(add) ?? {};
    return shard === undefined || (shard.min <= wanted && wanted <= shard.max);
  });
}

/** Files in groups: ranges of revisions within a group overlap, those of two groups do not. */
function* overlapping(adds: readonly Add[]): Generator<readonly Add[]> {
  const ranges = adds.map((add) => ({ add, ...revisionsIn(add) })).sort((a, b) => a.min - b.min);
  let group: Add[] = [];
  let end = Number.NEGATIVE_INFINITY;
  for (const { add, min, max } of ranges) {
    if (group.length > 0 && min > end) {
      yield group;
      group = [];
    }
    group.push(add);
    end = Math.max(end, max);
  }
  if (group.length > 0) yield group;
}

/** The revisions in a file; all of them where its entry does not say. */
export function revisionsIn(add: Add): { readonly min: number; readonly max: number } {
  return boundsOf(add)?.revision ?? { min: 0, max: Number.MAX_SAFE_INTEGER };
}

/** The cells of a row as one text, for a hash: rows that differ have texts that differ. */
export function rowText(row: Row): string {
  return `${row.map(cellText).join("\u001f")}\u001e`;
}

export function cellText(cell: Cell | undefined): string {
  return cell === null || cell === undefined ? "null" : String(cell);
}

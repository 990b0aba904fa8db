import { assert } from "ledger-core";
import { type CellsOf, cellFunction, dayText, type Row, rowCells, type TableShape } from "./columns.ts";
import { type DataFile, type FileOptions, placedColumns, startDataFile } from "./data-file.ts";
import { startRowGroup } from "./fast/row-group.ts";
import { noCell, type RowGroupWriter } from "./row-group.ts";

/** Rows of a table on their way into one commit: encoded as they arrive, for one file per day. */
export type TableBatch = {
  /** @throws an error if a cell is not of its column's type; the batch is of no use then */
  add(rows: readonly Row[]): void;
  /** The same for sources that are a row each, without the rows. */
  addFrom<Source>(sources: readonly Source[], cells: CellsOf<Source>): void;
  /** About how many bytes it holds in memory. */
  held(): number;
  /** The files of all rows, each with its rows in their order; then the batch is empty. */
  files(options: FileOptions): DataFile[];
};

/** Row groups that serve again: rows of more days at once are rare. */
const SPARE_MAX = 2;

/** @param startGroup how row groups are written. Default: the fast lane */
export function startBatch(shape: TableShape, startGroup = startRowGroup): TableBatch {
  const partition = shape.columns.findIndex(({ name }) => name === shape.partition);
  const columns = placedColumns(shape);
  const groups = new Map<number, RowGroupWriter>();
  const spare: RowGroupWriter[] = [];
  function groupOf(day: number): RowGroupWriter {
    const group = groups.get(day) ?? spare.pop() ?? startGroup(columns);
    groups.set(day, group);
    return group;
  }
  const ofRows = rowCells(shape);
  function addFrom<Source>(sources: readonly Source[], cells: CellsOf<Source>): void {
    const dayCell = cellFunction(cells[partition] ?? noCell);
    const dayOf = (at: number) => {
      const source = sources[at];
      return source === undefined ? undefined : dayCell(source);
    };
    for (let from = 0; from < sources.length; ) {
      const day = dayOf(from);
      assert(typeof day === "number", `${shape.name}.${shape.partition} is a day`);
      let to = from + 1;
      while (to < sources.length && dayOf(to) === day) to += 1;
      groupOf(day).add(from === 0 && to === sources.length ? sources : sources.slice(from, to), cells);
      from = to;
    }
  }
  return {
    add: (rows) => addFrom(rows, ofRows),
    addFrom,
    held: () => groups.values().reduce((sum, group) => sum + group.held(), 0),
    files(options) {
      const files = Array.from(groups, ([day, group]) => {
        const file = startDataFile(shape, dayText(day), options);
        file.write(group);
        const bytes = file.finish();
        return { path: file.path, bytes, add: file.entry({ dataChange: true }) };
      });
      for (const group of groups.values()) if (spare.length < SPARE_MAX) spare.push(group);
      groups.clear();
      return files;
    },
  };
}

/** One file for each day of these rows. */
export function makeDataFiles(shape: TableShape, rows: readonly Row[], options: FileOptions): DataFile[] {
  const batch = startBatch(shape);
  batch.add(rows);
  return batch.files(options);
}

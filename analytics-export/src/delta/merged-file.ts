import { assert } from "ledger-core";
import type { Lake } from "../ports/lake.ts";
import type { Add } from "./actions.ts";
import { rowCells, type TableShape } from "./columns.ts";
import { placedColumns, startDataFile } from "./data-file.ts";
import { startRowGroup } from "./fast/row-group.ts";
import { openDataFile } from "./rows.ts";

export type Merging = {
  readonly lake: Lake;
  readonly shape: TableShape;
  readonly uniqueName: () => string;
  readonly nowMs: () => number;
  readonly copyRowsMin?: number;
  readonly groupRows?: number;
};

/**
 * A file with the rows of others of one day, in their order. Row groups that are large enough are copied as they are
 * stored, which neither decodes a row nor holds more than one of them in memory; the rows of small ones are gathered
 * into larger ones, since each costs its readers a request per column.
 */
export function mergedFile(merging: Merging, group: readonly Add[]) {
  const { lake, shape, uniqueName, nowMs, copyRowsMin = 5000, groupRows = 20_000 } = merging;
  const day = group[0]?.partitionValues[shape.partition];
  assert(typeof day === "string", "files of a group are of one day");
  const file = startDataFile(shape, day, { uniqueName, nowMs: nowMs() });
  const schema = schemaText(file.schema);
  const gathered = startRowGroup(placedColumns(shape));
  const cells = rowCells(shape);
  let gatheredRows = 0;
  const writeGathered = () => {
    if (gatheredRows > 0) file.write(gathered);
    gatheredRows = 0;
  };

  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (const add of group) {
      const { metadata, groups } = await openDataFile(lake, shape, add);
      // Files from before a column was added have rows without it.
      const fits = schemaText(metadata.schema) === schema;
      for await (const stored of groups()) {
        if (fits && stored.meta.num_rows >= copyRowsMin) {
          writeGathered();
          yield* file.copy(stored);
          continue;
        }
        const rows = await stored.rows();
        gathered.add(rows, cells);
        gatheredRows += rows.length;
        if (gatheredRows < groupRows) continue;
        writeGathered();
        yield file.take();
      }
    }
    writeGathered();
    yield file.finish();
  }
  return { path: file.path, pieces, entry: () => file.entry({ dataChange: false }) };
}

/** A file's columns as a text that can be compared. */
function schemaText(
  schema: readonly { readonly name: string; readonly type?: string; readonly repetition_type?: string }[],
) {
  return schema.map(({ name, type, repetition_type: repetition }) => `${name} ${type} ${repetition}`).join();
}

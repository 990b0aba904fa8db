import {
  assert,
  type Build,
  type KeyedTable,
  type Revision,
  ROWS_AT_A_TIME,
  type RowReader,
  type Shard,
  type StoreRow,
} from "ledger-core";
import {
  FOREVER,
  type GremlinClient,
  type GremlinValue,
  numberIn,
  PARTITIONS,
  partitionOf,
  textIn,
} from "ledger-core/gremlin";
import { positionOf, viewTables } from "ledger-core/sql";

/** A row is an edge. Rows lie in the order of their partitions, and of their events within one. */
const key = ["partition", "event"];
const columnsOf: Readonly<Record<string, { readonly label: string; readonly columns: readonly string[] }>> = {
  [viewTables.graphEdges]: { label: "paid", columns: ["event", "tenant", "payment", "payer", "merchant"] },
  [viewTables.graphShut]: { label: "shut", columns: ["event", "merchant"] },
};

export const graphTables: readonly KeyedTable[] = Object.keys(columnsOf).map((name) => ({ name, key }));

/** Whether an edge is among the rows, by the numbers of the events from and until which it holds. */
export type Holds = (revision: number, until: number) => boolean;

export const holdsNow: Holds = (_revision, until) => until === FOREVER;

/** As of the checkpoints of all shards. */
export function holdsAt(checkpoint: (shard: Shard) => Revision): Holds {
  const reached = (number: number) => {
    const { shard, revision } = positionOf(number);
    return revision <= checkpoint(shard);
  };
  return (revision, until) => reached(revision) && (until === FOREVER || !reached(until));
}

const pageText = (label: string, columns: readonly string[]) => {
  const fields = [...columns, "revision", "until"];
  const names = fields.map((name) => `'${name}'`).join(",");
  const values = fields.map((name) => `.by('${name}')`).join("");
  const page = `g.V().has('pk',p).outE('${label}').has('event',gt(e)).order().by('event').limit(n)`;
  return `${page}.project(${names})${values}`;
};

export function rowsOf(client: GremlinClient, build: Build, holds: Holds): RowReader {
  return async (name, after) => {
    const table = columnsOf[name];
    assert(table, `${name} is a table of the graph`);
    const text = pageText(table.label, table.columns);
    const rows: StoreRow[] = [];
    let number = after ? Number(after.partition) : 0;
    let event = after ? String(after.event) : "";
    while (number < PARTITIONS && rows.length < ROWS_AT_A_TIME) {
      const page = await client.submit(text, { p: partitionOf(build, number), e: event, n: ROWS_AT_A_TIME });
      for (const edge of page) {
        event = textIn(edge, "event");
        if (!holds(numberIn(edge, "revision"), numberIn(edge, "until"))) continue;
        if (rows.push(rowOf(number, table.columns, edge)) === ROWS_AT_A_TIME) break;
      }
      if (page.length < ROWS_AT_A_TIME && rows.length < ROWS_AT_A_TIME) {
        number++;
        event = "";
      }
    }
    return rows;
  };
}

function rowOf(partition: number, columns: readonly string[], edge: GremlinValue): StoreRow {
  return { partition, ...Object.fromEntries(columns.map((column) => [column, textIn(edge, column)])) };
}

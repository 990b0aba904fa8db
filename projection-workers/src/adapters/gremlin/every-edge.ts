import {
  assert,
  type Build,
  type KeyedTable,
  parseId,
  type Revision,
  ROWS_AT_A_TIME,
  type RowReader,
  type Shard,
  type StoreRow,
} from "ledger-core";
import {
  FOREVER,
  fieldOf,
  type GremlinClient,
  type GremlinValue,
  PARTITIONS,
  PAYERS_KEPT,
  partitionOf,
  placeOf,
} from "ledger-core/gremlin";
import { positionOf, viewTables } from "ledger-core/sql";

/*
 * Every edge of a graph at a moment, with all it says, those that have ended too: to be compared with the log. Queries
 * and rebuilds need less of them (graph-rows.ts).
 */

export const backTable = "graph_back";

const edgeColumns = ["event", "tenant", "payment", "payer", "merchant"];
const kinds: Readonly<Record<string, { readonly label: string; readonly columns: readonly string[] }>> = {
  [viewTables.graphEdges]: { label: "paid", columns: edgeColumns },
  [backTable]: { label: "paidBy", columns: edgeColumns },
  [viewTables.graphShut]: { label: "shut", columns: ["event", "merchant"] },
};

export const everyEdgeTables: readonly KeyedTable[] = Object.keys(kinds).map((name) => ({
  name,
  key: ["partition", "event"],
}));

const pageTextOf = (label: string, columns: readonly string[]) => {
  const fields = [...columns, "revision", "until"];
  // A property that is missing gives a text that no edge has.
  const values = fields.map((name) => `.by(__.coalesce(__.values('${name}'),__.constant('')))`).join("");
  const page = `g.V().has('pk',p).outE('${label}').has('event',gt(e)).order().by('event').limit(n)`;
  return `${page}.project(${fields.map((name) => `'${name}'`).join(",")})${values}`;
};

/** @param checkpoint of the moment: what later events did to the graph is left out */
export function everyEdge(client: GremlinClient, build: Build, checkpoint: (shard: Shard) => Revision): RowReader {
  const reached = (number: number) => {
    const { shard, revision } = positionOf(number);
    return revision <= checkpoint(shard);
  };
  return async (name, after) => {
    const kind = kinds[name];
    assert(kind, `${name} is a table of the graph`);
    const text = pageTextOf(kind.label, kind.columns);
    const rows: StoreRow[] = [];
    let partition = after ? Number(after.partition) : 0;
    let event = after ? String(after.event) : "";
    while (partition < PARTITIONS && rows.length < ROWS_AT_A_TIME) {
      const page = await client.submit(text, { p: partitionOf(build, partition), e: event, n: ROWS_AT_A_TIME });
      const ended = page.length < ROWS_AT_A_TIME;
      for (const copies of wholeGroups(page, ended)) {
        const [edge] = copies;
        event = String(fieldOf(edge, "event"));
        const [revision, until] = [fieldOf(edge, "revision"), fieldOf(edge, "until")];
        if (typeof revision === "number" && !reached(revision)) continue;
        const holds = typeof until === "number" && !reached(until);
        const values = kind.columns.map((column) => [column, cellOf(fieldOf(edge, column))]);
        rows.push({
          ...{ partition: BigInt(partition), ...Object.fromEntries(values) },
          ...{ since: cellOf(revision), until: cellOf(holds ? FOREVER : until), copies: BigInt(copies.length) },
        });
        if (rows.length === ROWS_AT_A_TIME) break;
      }
      if (!ended || rows.length === ROWS_AT_A_TIME) continue;
      partition++;
      event = "";
    }
    return rows;
  };
}

/** A value as SQLite has it, which the graph is compared with. */
function cellOf(value: GremlinValue | undefined): unknown {
  return Number.isSafeInteger(value) ? BigInt(Number(value)) : value;
}

/** The edges of a page by their events: one each, or there are copies. The last one of a full page may lack some. */
function wholeGroups(page: readonly GremlinValue[], ended: boolean): readonly (readonly GremlinValue[])[] {
  const groups = new Map<string, GremlinValue[]>();
  for (const edge of page) {
    const event = String(fieldOf(edge, "event"));
    groups.set(event, [...(groups.get(event) ?? []), edge]);
  }
  const all = [...groups.values()];
  return ended || all.length === 1 ? all : all.slice(0, -1);
}

/** The event of the oldest edge that trimming keeps at least. */
const keptText = "g.V().has('pk',p).has('id',i).outE('paidBy').order().by('event',desc).range(n,o).values('event')";

/**
 * Whether a graph may lack a row: a merchant keeps only its newest edges back to its payers (trimming.ts).
 */
export function mayLackEdge(client: GremlinClient, build: Build): (table: string, row: StoreRow) => Promise<boolean> {
  const trimmedTo = new Map<string, string>();
  return async (table, { merchant, event }) => {
    const account = table === backTable ? parseId("acct", String(merchant)) : undefined;
    if (!account) return false;
    if (String(event) <= (trimmedTo.get(account) ?? "")) return true;
    const { partition, id } = placeOf(build, account);
    const [older] = await client.submit(keptText, { p: partition, i: id, n: PAYERS_KEPT - 1, o: PAYERS_KEPT });
    if (typeof older !== "string") return false;
    trimmedTo.set(account, older);
    return String(event) <= older;
  };
}

import type { StatementSync } from "node:sqlite";
import { type AccountId, type EdgeChange, readNumber, unreachable } from "ledger-core";
import { FOREVER, PARTITIONS } from "ledger-core/gremlin";
import { numberOfId, viewTables } from "ledger-core/sql";
import { graphProjection } from "../../projections/graph/projection.ts";
import type { ViewModel } from "../sqlite/view-store.ts";
import { backTable, everyEdgeTables } from "./every-edge.ts";

type Statements = Readonly<
  Record<"addPaid" | "addBack" | "addShut" | "endPaid" | "endBack" | "endShut", StatementSync>
>;

const columns: Readonly<Record<string, string>> = {
  [viewTables.graphEdges]: "tenant TEXT, payment TEXT, payer TEXT, merchant TEXT,",
  [backTable]: "tenant TEXT, payment TEXT, payer TEXT, merchant TEXT,",
  [viewTables.graphShut]: "merchant TEXT,",
};
const indexed: Readonly<Record<string, string>> = { [viewTables.graphShut]: "(merchant)" };

/** The edges that a graph on a Gremlin server should have, in a file, in the rows of every-edge.ts. */
export const edgesFile: ViewModel<EdgeChange, Statements> = {
  projection: graphProjection,
  tables: everyEdgeTables.map((table) => ({
    ...table,
    columns: `partition INTEGER, event TEXT, ${columns[table.name]} since INTEGER, until INTEGER, copies INTEGER`,
    indexes: [indexed[table.name] ?? "(payment)"],
  })),
  prepare(prepare, suffix) {
    const add = (table: string, values: number) =>
      prepare(`INSERT INTO ${table}${suffix} VALUES (${"?, ".repeat(values)}?, ${FOREVER}, 1)`);
    const end = (table: string, of: string) =>
      prepare(`UPDATE ${table}${suffix} SET until = ?1 WHERE ${of} = ?2 AND since < ?1 AND until > ?1`);
    return {
      addPaid: add(viewTables.graphEdges, 6),
      addBack: add(backTable, 6),
      addShut: add(viewTables.graphShut, 3),
      endPaid: end(viewTables.graphEdges, "payment"),
      endBack: end(backTable, "payment"),
      endShut: end(viewTables.graphShut, "merchant"),
    };
  },
  write(statements, changes) {
    for (const change of changes) {
      const { event } = change;
      const number = numberOfId(event);
      switch (change.kind) {
        case "paid": {
          const { tenant, payment, payer, merchant } = change;
          const edge = [event, tenant, payment, payer, merchant, number];
          statements.addPaid.run(partitionOfAccount(payer), ...edge);
          statements.addBack.run(partitionOfAccount(merchant), ...edge);
          break;
        }
        case "retracted":
          statements.endPaid.run(number, change.payment);
          statements.endBack.run(number, change.payment);
          break;
        case "standing":
          if (change.open) statements.endShut.run(number, change.merchant);
          else statements.addShut.run(partitionOfAccount(change.merchant), event, change.merchant, number);
          break;
        default:
          unreachable(change);
      }
    }
  },
};

function partitionOfAccount(account: AccountId): number {
  return readNumber(account) % PARTITIONS;
}

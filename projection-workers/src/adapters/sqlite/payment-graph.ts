import type { StatementSync } from "node:sqlite";
import { type EdgeChange, unreachable } from "ledger-core";
import { viewTables } from "ledger-core/sql";
import { graphProjection } from "../../projections/graph/projection.ts";
import type { ViewModel } from "./view-store.ts";

type Statements = Readonly<Record<"putEdge" | "dropEdge" | "shut" | "reopen", StatementSync>>;

/** The payment graph in a file. An edge is one row in two indexes: by payer and merchant, and by merchant and time. */
export const paymentGraph: ViewModel<EdgeChange, Statements> = {
  projection: graphProjection,
  tables: [
    {
      name: viewTables.graphEdges,
      columns: `payment TEXT NOT NULL, payer TEXT NOT NULL, merchant TEXT NOT NULL, event TEXT NOT NULL,
      tenant TEXT NOT NULL`,
      key: ["payment"],
      indexes: ["(payer, merchant, event)", "(merchant, event, payer)"],
    },
    // Merchants that are frozen or closed.
    { name: viewTables.graphShut, columns: "merchant TEXT NOT NULL", key: ["merchant"] },
  ],
  prepare: (prepare, suffix) => {
    const edges = viewTables.graphEdges + suffix;
    const shut = viewTables.graphShut + suffix;
    return {
      putEdge: prepare(`INSERT INTO ${edges} VALUES (?, ?, ?, ?, ?)`),
      dropEdge: prepare(`DELETE FROM ${edges} WHERE payment = ?`),
      shut: prepare(`INSERT OR IGNORE INTO ${shut} VALUES (?)`),
      reopen: prepare(`DELETE FROM ${shut} WHERE merchant = ?`),
    };
  },
  write(statements, changes) {
    for (const change of changes) writeChange(statements, change);
  },
};

function writeChange(statements: Statements, change: EdgeChange): void {
  switch (change.kind) {
    case "paid":
      statements.putEdge.run(change.payment, change.payer, change.merchant, change.event, change.tenant);
      return;
    case "retracted":
      statements.dropEdge.run(change.payment);
      return;
    case "standing":
      (change.open ? statements.reopen : statements.shut).run(change.merchant);
      return;
    default:
      unreachable(change);
  }
}

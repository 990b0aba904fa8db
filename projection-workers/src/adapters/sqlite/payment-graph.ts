import type { StatementSync } from "node:sqlite";
import { type EdgeChange, LedgerError, readId, unreachable } from "ledger-core";
import { numberOfId, viewTables } from "ledger-core/sql";
import { graphProjection } from "../../projections/graph/projection.ts";
import type { ViewModel } from "./view-store.ts";

type Statements = Readonly<
  Record<
    "putEdge" | "dropEdge" | "putMerchant" | "putCapture" | "captureOf" | "dropCapture" | "shut" | "reopen",
    StatementSync
  >
>;

type Paid = Extract<EdgeChange, { kind: "paid" }>;
type Edge = { readonly payer: number; readonly merchant: number; readonly event: number; readonly change: Paid };

/**
 * The payment graph in a file, with numbers instead of ids (`numberOf`). An edge is one row in two trees: by payer,
 * merchant and event, and by merchant, event and payer. The number of a payment is that of its edge's event, unless it
 * was authorized first.
 */
export const paymentGraph: ViewModel<EdgeChange, Statements> = {
  projection: graphProjection,
  tables: [
    {
      name: viewTables.graphEdges,
      columns: `payer INTEGER NOT NULL, merchant INTEGER NOT NULL, event INTEGER NOT NULL,
      ms INTEGER NOT NULL, salt INTEGER NOT NULL`,
      key: ["payer", "merchant", "event"],
      indexes: ["(merchant, event, payer)"],
    },
    // Every merchant that was ever paid, with the part of its id that its number does not contain.
    {
      name: viewTables.graphMerchants,
      columns: "merchant INTEGER NOT NULL, ms INTEGER NOT NULL, salt INTEGER NOT NULL, tenant TEXT NOT NULL",
      key: ["merchant"],
    },
    // The events of edges whose payment was authorized first.
    { name: viewTables.graphCaptures, columns: "payment INTEGER NOT NULL, event INTEGER NOT NULL", key: ["payment"] },
    // Merchants that are frozen or closed.
    { name: viewTables.graphShut, columns: "merchant INTEGER NOT NULL", key: ["merchant"] },
  ],
  prepare: (prepare, suffix) => {
    const edges = viewTables.graphEdges + suffix;
    const captures = viewTables.graphCaptures + suffix;
    const shut = viewTables.graphShut + suffix;
    return {
      putEdge: prepare(`INSERT INTO ${edges} VALUES (?, ?, ?, ?, ?)`),
      dropEdge: prepare(`DELETE FROM ${edges} WHERE payer = ? AND merchant = ? AND event = ?`),
      putMerchant: prepare(`INSERT OR IGNORE INTO ${viewTables.graphMerchants + suffix} VALUES (?, ?, ?, ?)`),
      putCapture: prepare(`INSERT INTO ${captures} VALUES (?, ?)`),
      captureOf: prepare(`SELECT event FROM ${captures} WHERE payment = ?`),
      dropCapture: prepare(`DELETE FROM ${captures} WHERE payment = ?`),
      shut: prepare(`INSERT OR IGNORE INTO ${shut} VALUES (?)`),
      reopen: prepare(`DELETE FROM ${shut} WHERE merchant = ?`),
    };
  },
  write,
};

/** Writes the edges that remain after a run of changes, in the order of their tree. */
function write(statements: Statements, changes: readonly EdgeChange[]): void {
  const edges = new Map<number, Edge>();
  const merchants = new Map<number, Paid>();
  for (const change of changes) {
    switch (change.kind) {
      case "paid": {
        const payment = numberOfId(change.payment);
        if (edges.has(payment)) throw new LedgerError("poison_event", `${change.payment} has an edge already`);
        const merchant = numberOfId(change.merchant);
        merchants.set(merchant, change);
        edges.set(payment, { payer: numberOfId(change.payer), merchant, event: numberOfId(change.event), change });
        break;
      }
      case "retracted":
        if (!edges.delete(numberOfId(change.payment))) retract(statements, change);
        break;
      case "standing":
        (change.open ? statements.reopen : statements.shut).run(numberOfId(change.merchant));
        break;
      default:
        unreachable(change);
    }
  }
  for (const [merchant, { merchant: id, tenant }] of merchants) {
    const { timeMs, salt } = readId(id);
    statements.putMerchant.run(merchant, timeMs, salt, tenant);
  }
  for (const [payment, { event }] of edges) if (event !== payment) statements.putCapture.run(payment, event);
  for (const { payer, merchant, event, change } of [...edges.values()].sort(byPayer)) {
    const { timeMs, salt } = readId(change.event);
    statements.putEdge.run(payer, merchant, event, timeMs, salt);
  }
}

function byPayer(one: Edge, other: Edge): number {
  return one.payer - other.payer || one.merchant - other.merchant || one.event - other.event;
}

function retract(
  statements: Statements,
  { payment, payer, merchant }: Extract<EdgeChange, { kind: "retracted" }>,
): void {
  const number = numberOfId(payment);
  const captured = statements.captureOf.get(number)?.event;
  if (captured !== undefined) statements.dropCapture.run(number);
  statements.dropEdge.run(numberOfId(payer), numberOfId(merchant), captured ?? number);
}

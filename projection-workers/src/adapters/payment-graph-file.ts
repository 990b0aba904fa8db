import type { SQLOutputValue, StatementSync } from "node:sqlite";
import {
  type AccountId,
  type EdgeChange,
  EVIDENCE_MAX,
  FAN_OUT_MAX,
  type PaymentGraph,
  type Recommendation,
  rebrand,
  unreachable,
} from "ledger-core";
import { graphProjection } from "../graph-projection.ts";
import type { RebuildableStore } from "../rebuild.ts";
import { openViewFile, type View, type ViewTable } from "./view-file.ts";
import { rebuildableView } from "./view-rebuild.ts";

/*
 * Beside the edges, one a payment, stands one row for each pair of payer and merchant with the newest of their edges: a step of
 * the recommendation reads pairs, so that a customer who pays the same shop every day is one neighbor and not a thousand.
 * The newest event is the greatest id.
 */

type Statements = Readonly<
  Record<
    | "putEdge"
    | "edge"
    | "dropEdge"
    | "putPair"
    | "newestOfPair"
    | "setPair"
    | "dropPair"
    | "merchantsOf"
    | "payersOf"
    | "pair",
    StatementSync
  >
>;

const tables: readonly ViewTable[] = [
  {
    name: "graph_edges",
    columns: "payment TEXT NOT NULL, payer TEXT NOT NULL, merchant TEXT NOT NULL, event TEXT NOT NULL",
    key: ["payment"],
    indexes: ["payer, merchant, event"],
  },
  {
    name: "graph_pairs",
    columns: "payer TEXT NOT NULL, merchant TEXT NOT NULL, tenant TEXT NOT NULL, event TEXT NOT NULL",
    key: ["payer", "merchant"],
    indexes: ["payer, event", "merchant, event"],
  },
];

const view: View<EdgeChange, Statements> = {
  name: graphProjection.name,
  tables,
  prepare: (prepare, suffix) => {
    const [edges, pairs] = tables.map(({ name }) => name + suffix);
    return {
      putEdge: prepare(`INSERT INTO ${edges} VALUES (?, ?, ?, ?)`),
      edge: prepare(`SELECT payer, merchant FROM ${edges} WHERE payment = ?`),
      dropEdge: prepare(`DELETE FROM ${edges} WHERE payment = ?`),
      putPair: prepare(
        `INSERT INTO ${pairs} VALUES (?, ?, ?, ?) ON CONFLICT (payer, merchant) DO UPDATE SET event = excluded.event`,
      ),
      newestOfPair: prepare(`SELECT max(event) AS event FROM ${edges} WHERE payer = ? AND merchant = ?`),
      setPair: prepare(`UPDATE ${pairs} SET event = ? WHERE payer = ? AND merchant = ?`),
      dropPair: prepare(`DELETE FROM ${pairs} WHERE payer = ? AND merchant = ?`),
      merchantsOf: prepare(
        `SELECT merchant AS neighbor, event FROM ${pairs} WHERE payer = ? AND tenant = ? ORDER BY event DESC LIMIT ${FAN_OUT_MAX}`,
      ),
      payersOf: prepare(
        `SELECT payer AS neighbor, event FROM ${pairs} WHERE merchant = ? ORDER BY event DESC LIMIT ${FAN_OUT_MAX}`,
      ),
      pair: prepare(`SELECT 1 FROM ${pairs} WHERE payer = ? AND merchant = ?`),
    };
  },
  write(statements, changes) {
    for (const change of changes) writeChange(statements, change);
  },
};

export type EmbeddedPaymentGraph = PaymentGraph & { readonly rebuildable: RebuildableStore<EdgeChange> };

/** The payment graph in a file. */
export async function openPaymentGraph(options: {
  readonly file: string;
  readonly readOnly?: boolean;
}): Promise<EmbeddedPaymentGraph> {
  const file = openViewFile(view, options);
  return {
    ...file.target,
    recommend: (tenant, account, limit) =>
      file.read((statements, positions) => ({
        recommendations: recommend(statements, tenant, account, limit),
        positions,
      })),
    rebuildable: rebuildableView(graphProjection, view, file),
    close: file.close,
  };
}

function writeChange(statements: Statements, change: EdgeChange): void {
  switch (change.kind) {
    case "paid": {
      const { payment, payer, merchant, tenant, event } = change;
      statements.putEdge.run(payment, payer, merchant, event);
      statements.putPair.run(payer, merchant, tenant, event);
      return;
    }
    case "retracted": {
      const edge = statements.edge.get(change.payment);
      if (!edge) return;
      const payer = column(edge, "payer");
      const merchant = column(edge, "merchant");
      statements.dropEdge.run(change.payment);
      const newest = statements.newestOfPair.get(payer, merchant)?.event;
      if (typeof newest === "string") statements.setPair.run(newest, payer, merchant);
      else statements.dropPair.run(payer, merchant);
      return;
    }
    default:
      unreachable(change);
  }
}

type Neighbor = { readonly id: string; readonly event: string };

/** Account → merchants it paid → others who paid them → merchants that those paid and it did not; newest first where it is cut. */
function recommend(statements: Statements, tenant: string, account: AccountId, limit: number): Recommendation[] {
  const mine = neighbors(statements.merchantsOf, account, tenant);
  const peers = newest(mine.flatMap((merchant) => neighbors(statements.payersOf, merchant.id))).filter(
    (peer) => peer.id !== account,
  );
  const found = new Map<string, string[]>();
  for (const peer of peers) {
    for (const { id, event } of neighbors(statements.merchantsOf, peer.id, tenant)) {
      const events = found.get(id);
      if (events) events.push(event);
      else if (id !== account && !statements.pair.get(account, id)) found.set(id, [event]);
    }
  }
  return [...found]
    .sort(([a, { length: scoreA }], [b, { length: scoreB }]) => scoreB - scoreA || (a < b ? -1 : 1))
    .slice(0, limit)
    .map(([merchant, events]) => ({
      merchant: rebrand("acct", merchant),
      score: events.length,
      events: events
        .sort()
        .reverse()
        .slice(0, EVIDENCE_MAX)
        .map((event) => rebrand("evt", event)),
    }));
}

/** The most recent distinct neighbors of a step. */
function newest(all: readonly Neighbor[]): Neighbor[] {
  const byId = new Map<string, Neighbor>();
  for (const neighbor of all.toSorted((a, b) => (a.event > b.event ? -1 : 1))) {
    if (!byId.has(neighbor.id)) byId.set(neighbor.id, neighbor);
    // One more than the bound: the account itself is among them and does not count.
    if (byId.size > FAN_OUT_MAX) break;
  }
  return [...byId.values()];
}

function neighbors(statement: StatementSync, ...of: string[]): Neighbor[] {
  return statement.all(...of).map((row) => ({ id: column(row, "neighbor"), event: column(row, "event") }));
}

function column(row: Record<string, SQLOutputValue>, name: string): string {
  return String(row[name]);
}

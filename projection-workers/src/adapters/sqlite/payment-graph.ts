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
import { graphProjection } from "../../projections/graph/projection.ts";
import type { RebuildableStore } from "../../rebuild/rebuild.ts";
import { openViewFile, type View, type ViewTable } from "./view-file.ts";
import { rebuildableView, type Shadow, shadowView } from "./view-rebuild.ts";

/*
 * An edge is one row and stands in two indexes: of its payer by merchant, of its merchant by time. A step from a payer skips from
 * merchant to merchant, so that a customer who pays the same shop every day costs as much as one who did once; a step from a merchant
 * looks at its newest edges. The newest event is the greatest id.
 */

type Statements = Readonly<
  Record<
    "putEdge" | "dropEdge" | "tenantOf" | "merchantsOf" | "payersOf" | "hasPaid" | "shut" | "reopen" | "isShut",
    StatementSync
  >
>;

const tables: readonly ViewTable[] = [
  {
    name: "graph_edges",
    columns: `payment TEXT NOT NULL, payer TEXT NOT NULL, merchant TEXT NOT NULL, event TEXT NOT NULL,
      tenant TEXT NOT NULL`,
    key: ["payment"],
    indexes: ["(payer, merchant, event)", "(merchant, event, payer)"],
  },
  // Merchants that are frozen or closed.
  { name: "graph_shut", columns: "merchant TEXT NOT NULL", key: ["merchant"] },
];

/** Merchants of one payer that are looked at, and edges of one merchant, before those of FAN_OUT_MAX neighbors are taken. */
const LOOKED_AT_MAX = 5 * FAN_OUT_MAX;

const view: View<EdgeChange, Statements> = {
  name: graphProjection.name,
  tables,
  prepare: (prepare, suffix) => {
    const [edges, shut] = tables.map(({ name }) => name + suffix);
    return {
      putEdge: prepare(`INSERT INTO ${edges} VALUES (?, ?, ?, ?, ?)`),
      dropEdge: prepare(`DELETE FROM ${edges} WHERE payment = ?`),
      tenantOf: prepare(`SELECT tenant FROM ${edges} WHERE payer = ? LIMIT 1`),
      merchantsOf: prepare(
        `WITH RECURSIVE m (merchant) AS (
          SELECT min(merchant) FROM ${edges} WHERE payer = ?1
          UNION ALL
          SELECT (SELECT min(e.merchant) FROM ${edges} e WHERE e.payer = ?1 AND e.merchant > m.merchant)
          FROM m WHERE m.merchant IS NOT NULL LIMIT ${LOOKED_AT_MAX}
        )
        SELECT merchant AS neighbor,
          (SELECT max(e.event) FROM ${edges} e WHERE e.payer = ?1 AND e.merchant = m.merchant) AS event
        FROM m WHERE merchant IS NOT NULL ORDER BY event DESC LIMIT ${FAN_OUT_MAX}`,
      ),
      payersOf: prepare(
        `SELECT payer AS neighbor, max(event) AS event FROM (
          SELECT payer, event FROM ${edges} WHERE merchant = ? ORDER BY event DESC LIMIT ${LOOKED_AT_MAX}
        ) GROUP BY payer ORDER BY event DESC LIMIT ${FAN_OUT_MAX}`,
      ),
      hasPaid: prepare(`SELECT 1 FROM ${edges} WHERE payer = ? AND merchant = ? LIMIT 1`),
      shut: prepare(`INSERT OR IGNORE INTO ${shut} VALUES (?)`),
      reopen: prepare(`DELETE FROM ${shut} WHERE merchant = ?`),
      isShut: prepare(`SELECT 1 FROM ${shut} WHERE merchant = ?`),
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

/** A build of the view in `scratch`, a file that is not there yet, to be compared with the live one in `file`. */
export function shadowGraph(options: { readonly file: string; readonly scratch: string }): Shadow<EdgeChange> {
  const reader = openViewFile(view, { file: options.file, readOnly: true });
  const scratch = openViewFile(view, { file: options.scratch });
  return {
    ...shadowView(graphProjection, view, reader, scratch),
    close: async () => void (await Promise.all([reader.close(), scratch.close()])),
  };
}

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

type Neighbor = { readonly id: string; readonly event: string };

/** Account → merchants it paid → others who paid them → merchants that those paid and it did not; newest first where it is cut. */
function recommend(statements: Statements, tenant: string, account: AccountId, limit: number): Recommendation[] {
  if (statements.tenantOf.get(account)?.tenant !== tenant) return [];
  const mine = neighbors(statements.merchantsOf, account);
  const peers = newest(mine.flatMap((merchant) => neighbors(statements.payersOf, merchant.id))).filter(
    (peer) => peer.id !== account,
  );
  const found = new Map<string, string[]>();
  for (const peer of peers) {
    for (const { id, event } of neighbors(statements.merchantsOf, peer.id)) {
      const events = found.get(id);
      if (events) events.push(event);
      else if (id !== account && !statements.hasPaid.get(account, id)) found.set(id, [event]);
    }
  }
  const open = ([merchant]: readonly [string, ...unknown[]]) => !statements.isShut.get(merchant);
  return firstOf(
    [...found].sort(([a, { length: scoreA }], [b, { length: scoreB }]) => scoreB - scoreA || (a < b ? -1 : 1)),
    limit,
    open,
  ).map(([merchant, events]) => ({
    merchant: rebrand("acct", merchant),
    score: events.length,
    events: events
      .sort()
      .reverse()
      .slice(0, EVIDENCE_MAX)
      .map((event) => rebrand("evt", event)),
  }));
}

function firstOf<Item>(items: readonly Item[], most: number, fits: (item: Item) => boolean): Item[] {
  const taken: Item[] = [];
  for (const item of items) {
    if (taken.length === most) break;
    if (fits(item)) taken.push(item);
  }
  return taken;
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

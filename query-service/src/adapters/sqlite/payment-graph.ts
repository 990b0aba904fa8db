import type { StatementSync } from "node:sqlite";
import {
  type AccountId,
  EVIDENCE_MAX,
  FAN_OUT_MAX,
  type PaymentGraph,
  type Recommendation,
  rebrand,
} from "ledger-core";
import { type ViewRow, viewTables } from "ledger-core/sql";
import { openViewReader, type ViewSource } from "./view-reader.ts";

/*
 * An edge is one row in two indexes: by payer and merchant, and by merchant and time. A step from a payer skips from
 * merchant to merchant, so that a customer who pays the same shop every day costs as much as one who did once; a step
 * from a merchant looks at its newest edges. The newest event is the one with the greatest id.
 */

/** The most merchants of one payer, or edges of one merchant, that a step scans to find FAN_OUT_MAX neighbors. */
const LOOKED_AT_MAX = 5 * FAN_OUT_MAX;

type Statements = Readonly<Record<"tenantOf" | "merchantsOf" | "payersOf" | "hasPaid" | "isShut", StatementSync>>;

/** Reads the payment graph from a file that projection-workers writes. */
export function openPaymentGraph(source: ViewSource): PaymentGraph {
  const reader = openViewReader("graph", prepareStatements, source);
  return {
    recommend: async (tenant, account, limit) =>
      reader.read((statements, positions) => ({
        recommendations: recommend(statements, tenant, account, limit),
        positions,
      })),
    positions: async () => reader.read((_statements, positions) => positions),
    close: async () => reader.close(),
  };
}

function prepareStatements(prepare: (sql: string) => StatementSync, suffix: string): Statements {
  const edges = viewTables.graphEdges + suffix;
  const shut = viewTables.graphShut + suffix;
  return {
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
    isShut: prepare(`SELECT 1 FROM ${shut} WHERE merchant = ?`),
  };
}

type Neighbor = { readonly id: string; readonly event: string };

/** Account → merchants it paid → others who paid them → merchants they paid and it did not; cuts keep the newest. */
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
    // One more than the bound, since the account itself is among them and does not count.
    if (byId.size > FAN_OUT_MAX) break;
  }
  return [...byId.values()];
}

function neighbors(statement: StatementSync, ...of: string[]): Neighbor[] {
  return statement.all(...of).map((row) => ({ id: column(row, "neighbor"), event: column(row, "event") }));
}

function column(row: ViewRow, name: string): string {
  return String(row[name]);
}

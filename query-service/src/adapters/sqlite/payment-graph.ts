import type { StatementSync } from "node:sqlite";
import {
  type AccountId,
  EVIDENCE_MAX,
  FAN_OUT_MAX,
  LedgerError,
  type PaymentGraph,
  type Recommendation,
} from "ledger-core";
import { idOf, numberOfId, type ViewRow, viewTables } from "ledger-core/sql";
import { openViewReader, type ViewSource } from "./view-reader.ts";

/*
 * An edge is one row in two trees: by payer, merchant and event, and by merchant, event and payer. A step from a payer
 * skips from merchant to merchant, so that a customer who pays the same shop every day costs no more than one who paid
 * once; a step from a merchant reads its newest edges. Accounts and events are numbers, which grow with time within a
 * shard (the embedded ledger has one); they become ids at the end.
 */

/** The most merchants of one payer, or edges of one merchant, that a step scans to find FAN_OUT_MAX neighbors. */
const LOOKED_AT_MAX = 5 * FAN_OUT_MAX;

type Statements = Readonly<
  Record<"tenantOf" | "merchantsOf" | "payersOf" | "hasPaid" | "isShut" | "merchant" | "event", StatementSync>
>;

/** Reads the payment graph from a file that projection-workers writes. */
export function openPaymentGraph(source: ViewSource): PaymentGraph {
  const reader = openViewReader("graph", prepareStatements, source);
  return {
    recommend: async (tenant, account, limit) =>
      reader.read((statements, positions) => ({
        recommendations: recommend(statements, tenant, account, limit),
        positions,
      })),
    paidAmong: async (account, merchants) =>
      reader.read(({ hasPaid }) => {
        const payer = numberOfId(account);
        return new Set(merchants.filter((merchant) => hasPaid.get(payer, numberOfId(merchant))));
      }),
    positions: async () => reader.read((_statements, positions) => positions),
    close: async () => reader.close(),
  };
}

function prepareStatements(prepare: (sql: string) => StatementSync, suffix: string): Statements {
  const edges = viewTables.graphEdges + suffix;
  const merchants = viewTables.graphMerchants + suffix;
  const shut = viewTables.graphShut + suffix;
  return {
    tenantOf: prepare(
      `SELECT m.tenant FROM ${edges} e CROSS JOIN ${merchants} m ON m.merchant = e.merchant WHERE e.payer = ? LIMIT 1`,
    ),
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
    merchant: prepare(`SELECT ms, salt FROM ${merchants} WHERE merchant = ?`),
    event: prepare(`SELECT ms, salt FROM ${edges} WHERE payer = ? AND merchant = ? AND event = ?`),
  };
}

type Neighbor = { readonly account: number; readonly event: number };

/** An edge from a peer to a recommended merchant. */
type Evidence = { readonly peer: number; readonly event: number };

/** Account → merchants it paid → others who paid them → merchants they paid and it did not; cuts keep the newest. */
function recommend(statements: Statements, tenant: string, account: AccountId, limit: number): Recommendation[] {
  const self = numberOfId(account);
  if (statements.tenantOf.get(self)?.tenant !== tenant) return [];
  const mine = neighbors(statements.merchantsOf, self);
  const peers = newest(mine.flatMap((merchant) => neighbors(statements.payersOf, merchant.account))).filter(
    (peer) => peer.account !== self,
  );
  const found = new Map<number, Evidence[]>();
  for (const peer of peers) {
    for (const { account: merchant, event } of neighbors(statements.merchantsOf, peer.account)) {
      const evidence = { peer: peer.account, event };
      const known = found.get(merchant);
      if (known) known.push(evidence);
      else if (merchant !== self && !statements.hasPaid.get(self, merchant)) found.set(merchant, [evidence]);
    }
  }
  const open = ([merchant]: readonly [number, ...unknown[]]) => !statements.isShut.get(merchant);
  return firstOf(
    [...found].sort(([a, { length: scoreA }], [b, { length: scoreB }]) => scoreB - scoreA || a - b),
    limit,
    open,
  ).map(([merchant, evidence]) => recommendation(statements, merchant, evidence));
}

function recommendation(statements: Statements, merchant: number, evidence: Evidence[]): Recommendation {
  const last = evidence.sort((a, b) => b.event - a.event).slice(0, EVIDENCE_MAX);
  return {
    merchant: idOfRow("acct", merchant, statements.merchant.get(merchant)),
    score: evidence.length,
    events: last.map(({ peer, event }) => idOfRow("evt", event, statements.event.get(peer, merchant, event))),
  };
}

/** @throws row_unreadable when the row is missing */
function idOfRow<P extends "acct" | "evt">(prefix: P, number: number, row: ViewRow | undefined) {
  if (!row) throw new LedgerError("row_unreadable", `graph view: ${number} has no row`);
  return idOf(prefix, Number(row.ms) * 1000, number, Number(row.salt));
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
  const byAccount = new Map<number, Neighbor>();
  for (const neighbor of all.toSorted((a, b) => b.event - a.event)) {
    if (!byAccount.has(neighbor.account)) byAccount.set(neighbor.account, neighbor);
    // One more than the bound, since the account itself is among them and does not count.
    if (byAccount.size > FAN_OUT_MAX) break;
  }
  return [...byAccount.values()];
}

function neighbors(statement: StatementSync, of: number): Neighbor[] {
  return statement.all(of).map((row) => ({ account: Number(row.neighbor), event: Number(row.event) }));
}

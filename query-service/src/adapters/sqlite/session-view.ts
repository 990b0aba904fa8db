import type { StatementSync } from "node:sqlite";
import { SESSION_ACCOUNTS_MAX, type Session, type SessionView } from "ledger-core";
import { accountOf, movementOf, viewTables } from "ledger-core/sql";
import { openViewReader, type ViewSource } from "./view-reader.ts";

type Statements = Readonly<Record<"accounts" | "crowdedAccounts" | "movements", StatementSync>>;

/**
 * Reads the session view from a file that projection-workers writes. The cost does not depend on the owner's history.
 */
export function openSessionView(source: ViewSource): SessionView {
  const reader = openViewReader("session", prepareStatements, source);
  return {
    read: async (tenant, owner) =>
      reader.read((statements, positions) => ({
        ...accountsOf(statements, tenant, owner),
        movements: statements.movements.all(tenant, owner).map((row) => movementOf(tenant, row)),
        positions,
      })),
    positions: async () => reader.read((_statements, positions) => positions),
    close: async () => reader.close(),
  };
}

function prepareStatements(prepare: (sql: string) => StatementSync, suffix: string): Statements {
  const accounts = viewTables.sessionAccounts + suffix;
  const movements = viewTables.sessionMovements + suffix;
  return {
    accounts: prepare(
      `SELECT status, posted, held, latest, body FROM ${accounts} INDEXED BY ${accounts}_0
      WHERE tenant = ? AND owner = ? ORDER BY id DESC LIMIT ${SESSION_ACCOUNTS_MAX + 1}`,
    ),
    crowdedAccounts: prepare(
      `SELECT status, posted, held, body FROM ${accounts} INDEXED BY ${accounts}_1
      WHERE tenant = ? AND owner = ? AND crowded = 1 ORDER BY latest DESC, id DESC LIMIT ${SESSION_ACCOUNTS_MAX}`,
    ),
    movements: prepare(`SELECT id, body FROM ${movements} WHERE tenant = ? AND owner = ? ORDER BY id DESC`),
  };
}

function accountsOf(statements: Statements, tenant: string, owner: string): Pick<Session, "accounts" | "moreAccounts"> {
  const rows = statements.accounts.all(tenant, owner);
  if (rows.length > SESSION_ACCOUNTS_MAX) {
    const shown = statements.crowdedAccounts.all(tenant, owner);
    return { accounts: shown.map(accountOf), moreAccounts: true };
  }
  // The rows come newest account first, and the sort is stable.
  const sorted = rows.toSorted((a, b) => (String(a.latest) < String(b.latest) ? 1 : a.latest === b.latest ? 0 : -1));
  return { accounts: sorted.map(accountOf), moreAccounts: false };
}

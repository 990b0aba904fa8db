import type { SQLInputValue, StatementSync } from "node:sqlite";
import {
  type Account,
  type AccountId,
  type Entry,
  LedgerError,
  SESSION_ACCOUNTS_MAX,
  SESSION_MOVEMENTS_MAX,
  type SessionChange,
  unreachable,
} from "ledger-core";
import { accountText, movementText, viewTables } from "ledger-core/sql";
import { sessionProjection } from "../../projections/session/projection.ts";
import type { ViewModel } from "./view-store.ts";

/*
 * A session shows the accounts with the latest entries. Nearly every owner has fewer accounts than are shown at all:
 * those are read and sorted. Once an owner has more, all of them are marked `crowded` and enter an index by their
 * latest entry; other owners pay nothing for it. An owner's movements are a ring of SESSION_MOVEMENTS_MAX rows: the nth
 * movement goes to slot n modulo that size and evicts the oldest. The cost per owner does not depend on its history.
 */

type Statements = Readonly<
  Record<
    | "putAccount"
    | "setStatus"
    | "setPosted"
    | "setHeld"
    | "ownerOf"
    | "counts"
    | "putAccountCount"
    | "putMovementCount"
    | "putMovement"
    | "crowd",
    StatementSync
  >
>;

/** The session view in a file: the cost of opening and of updating it does not grow with history. */
export const sessionView: ViewModel<SessionChange, Statements> = {
  projection: sessionProjection,
  tables: [
    {
      name: viewTables.sessionAccounts,
      // Do not reformat: a file with a different CREATE text is rebuilt.
      columns:
        "id TEXT NOT NULL, tenant TEXT NOT NULL, owner TEXT NOT NULL, status TEXT NOT NULL,\n" +
        "      posted INTEGER NOT NULL, held INTEGER NOT NULL, latest TEXT NOT NULL, " +
        "crowded INTEGER NOT NULL, body TEXT NOT NULL",
      key: ["id"],
      indexes: ["(tenant, owner, id)", "(tenant, owner, latest, id) WHERE crowded = 1"],
    },
    {
      name: viewTables.sessionOwners,
      columns: "tenant TEXT NOT NULL, owner TEXT NOT NULL, accounts INTEGER NOT NULL, movements INTEGER NOT NULL",
      key: ["tenant", "owner"],
    },
    {
      name: viewTables.sessionMovements,
      columns:
        "tenant TEXT NOT NULL, owner TEXT NOT NULL, place INTEGER NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL",
      key: ["tenant", "owner", "place"],
    },
  ],
  prepare: (prepare, suffix) => {
    const accounts = viewTables.sessionAccounts + suffix;
    const owners = viewTables.sessionOwners + suffix;
    const movements = viewTables.sessionMovements + suffix;
    return {
      putAccount: prepare(`INSERT INTO ${accounts} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`),
      setStatus: prepare(`UPDATE ${accounts} SET status = ? WHERE id = ?`),
      setPosted: prepare(
        `UPDATE ${accounts} SET posted = coalesce(?, posted), latest = coalesce(?, latest) WHERE id = ?`,
      ),
      setHeld: prepare(`UPDATE ${accounts} SET held = ? WHERE id = ?`),
      ownerOf: prepare(`SELECT tenant, owner FROM ${accounts} WHERE id = ?`),
      crowd: prepare(`UPDATE ${accounts} SET crowded = 1 WHERE tenant = ? AND owner = ?`),
      counts: prepare(`SELECT accounts, movements FROM ${owners} WHERE tenant = ? AND owner = ?`),
      putAccountCount: prepare(
        `INSERT INTO ${owners} VALUES (?, ?, ?, 0)
        ON CONFLICT (tenant, owner) DO UPDATE SET accounts = excluded.accounts`,
      ),
      putMovementCount: prepare(`UPDATE ${owners} SET movements = ? WHERE tenant = ? AND owner = ?`),
      putMovement: prepare(`INSERT OR REPLACE INTO ${movements} VALUES (?, ?, ?, ?, ?)`),
    };
  },
  write,
};

/** Writes only the last balances and the last movements of a run of changes. */
function write(statements: Statements, changes: readonly SessionChange[]): void {
  const posted = new Map<AccountId, bigint>();
  const held = new Map<AccountId, bigint>();
  const latest = new Map<AccountId, string>();
  const movements: Entry[] = [];
  for (const change of changes) {
    switch (change.kind) {
      case "account":
        putAccount(statements, change.account);
        break;
      case "status":
        updateOne(statements.setStatus, change.account, change.status);
        break;
      case "balances":
        if (change.balances.posted !== undefined) posted.set(change.account, change.balances.posted);
        if (change.balances.held !== undefined) held.set(change.account, change.balances.held);
        break;
      case "movement":
        movements.push(change.entry);
        latest.set(change.entry.account, change.entry.id);
        break;
      default:
        unreachable(change);
    }
  }
  for (const [account, balance] of posted) {
    updateOne(statements.setPosted, account, balance, latest.get(account) ?? null);
    latest.delete(account);
  }
  for (const [account, entry] of latest) updateOne(statements.setPosted, account, null, entry);
  for (const [account, balance] of held) updateOne(statements.setHeld, account, balance);
  putMovements(statements, movements);
}

function putAccount(statements: Statements, account: Account): void {
  const { id, tenant, owner, status, balances } = account;
  const count = Number(statements.counts.get(tenant, owner)?.accounts ?? 0) + 1;
  const crowded = count > SESSION_ACCOUNTS_MAX ? 1 : 0;
  statements.putAccount.run(
    id,
    tenant,
    owner,
    status,
    balances.posted,
    balances.held,
    "",
    crowded,
    accountText(account),
  );
  statements.putAccountCount.run(tenant, owner, count);
  if (count === SESSION_ACCOUNTS_MAX + 1) statements.crowd.run(tenant, owner);
}

/** @throws poison_event when the account has no row */
function updateOne(update: StatementSync, account: AccountId, ...values: SQLInputValue[]): void {
  if (Number(update.run(...values, account).changes) === 1) return;
  throw new LedgerError("poison_event", `account ${account} was never opened`);
}

type Owner = { readonly tenant: string; readonly owner: string; count: number; readonly entries: Entry[] };

function putMovements(statements: Statements, movements: readonly Entry[]): void {
  const owners = new Map<string, Owner>();
  const byAccount = new Map<AccountId, Owner>();
  for (const entry of movements) {
    let owner = byAccount.get(entry.account);
    if (!owner) {
      owner = ownerOf(statements, owners, entry.account);
      byAccount.set(entry.account, owner);
    }
    owner.count++;
    owner.entries.push(entry);
  }
  for (const { tenant, owner, count, entries } of owners.values()) {
    const last = entries.slice(-SESSION_MOVEMENTS_MAX);
    last.forEach((entry, n) => {
      const place = (count - last.length + n) % SESSION_MOVEMENTS_MAX;
      statements.putMovement.run(tenant, owner, place, entry.id, movementText(entry));
    });
    statements.putMovementCount.run(count, tenant, owner);
  }
}

function ownerOf(statements: Statements, owners: Map<string, Owner>, account: AccountId): Owner {
  const row = statements.ownerOf.get(account);
  if (typeof row?.tenant !== "string" || typeof row.owner !== "string") {
    throw new LedgerError("poison_event", `account ${account} was never opened`);
  }
  const { tenant, owner } = row;
  const key = JSON.stringify([tenant, owner]);
  let found = owners.get(key);
  if (!found) {
    found = { tenant, owner, count: Number(statements.counts.get(tenant, owner)?.movements ?? 0), entries: [] };
    owners.set(key, found);
  }
  return found;
}

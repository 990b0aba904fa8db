import type { SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite";
import {
  type Account,
  type AccountId,
  assert,
  type Entry,
  LedgerError,
  readId,
  SESSION_ACCOUNTS_MAX,
  SESSION_MOVEMENTS_MAX,
  type Session,
  type SessionChange,
  type SessionView,
  unreachable,
} from "ledger-core";
import { sessionProjection } from "../../projections/session/projection.ts";
import type { RebuildableStore } from "../../rebuild/rebuild.ts";
import { openViewFile, type View, type ViewTable } from "./view-file.ts";
import { rebuildableView, type Shadow, shadowView } from "./view-rebuild.ts";

/*
 * A session shows the accounts with the latest entries. Nearly every owner has fewer than are shown at all: they are read and sorted. From
 * the first account beyond, all of the owner's are `crowded` and stand in an index by their latest entry, which so costs no other owner
 * anything.
 * An owner's movements are a ring of SESSION_MOVEMENTS_MAX rows: the nth movement takes place n modulo that, and so removes the one
 * that falls out. What an owner costs does not depend on its history.
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
    | "accounts"
    | "crowdedAccounts"
    | "crowd"
    | "movements",
    StatementSync
  >
>;

const tables: readonly ViewTable[] = [
  {
    name: "session_accounts",
    columns: `id TEXT NOT NULL, tenant TEXT NOT NULL, owner TEXT NOT NULL, status TEXT NOT NULL,
      posted INTEGER NOT NULL, held INTEGER NOT NULL, latest TEXT NOT NULL, crowded INTEGER NOT NULL, body TEXT NOT NULL`,
    key: ["id"],
    indexes: ["(tenant, owner, id)", "(tenant, owner, latest, id) WHERE crowded = 1"],
  },
  {
    name: "session_owners",
    columns: "tenant TEXT NOT NULL, owner TEXT NOT NULL, accounts INTEGER NOT NULL, movements INTEGER NOT NULL",
    key: ["tenant", "owner"],
  },
  {
    name: "session_movements",
    columns: "tenant TEXT NOT NULL, owner TEXT NOT NULL, place INTEGER NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL",
    key: ["tenant", "owner", "place"],
  },
];

const view: View<SessionChange, Statements> = {
  name: sessionProjection.name,
  tables,
  prepare: (prepare, suffix) => {
    const [accounts, owners, movements] = tables.map(({ name }) => name + suffix);
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
        `INSERT INTO ${owners} VALUES (?, ?, ?, 0) ON CONFLICT (tenant, owner) DO UPDATE SET accounts = excluded.accounts`,
      ),
      putMovementCount: prepare(`UPDATE ${owners} SET movements = ? WHERE tenant = ? AND owner = ?`),
      putMovement: prepare(`INSERT OR REPLACE INTO ${movements} VALUES (?, ?, ?, ?, ?)`),
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
  },
  write,
};

export type EmbeddedSessionView = SessionView & { readonly rebuildable: RebuildableStore<SessionChange> };

/** The session view in a file: what it costs to open and to keep does not grow with history. */
export async function openSessionView(options: {
  readonly file: string;
  readonly readOnly?: boolean;
}): Promise<EmbeddedSessionView> {
  const file = openViewFile(view, options);
  return {
    ...file.target,
    read: (tenant, owner) =>
      file.read((statements, positions) => ({
        ...accountsOf(statements, tenant, owner),
        movements: statements.movements.all(tenant, owner).map((row) => movementOf(tenant, row)),
        positions,
      })),
    rebuildable: rebuildableView(sessionProjection, view, file),
    close: file.close,
  };
}

/** A build of the view in `scratch`, a file that is not there yet, to be compared with the live one in `file`. */
export function shadowSession(options: { readonly file: string; readonly scratch: string }): Shadow<SessionChange> {
  const reader = openViewFile(view, { file: options.file, readOnly: true });
  const scratch = openViewFile(view, { file: options.scratch });
  return {
    ...shadowView(sessionProjection, view, reader, scratch),
    close: async () => void (await Promise.all([reader.close(), scratch.close()])),
  };
}

function accountsOf(statements: Statements, tenant: string, owner: string): Pick<Session, "accounts" | "moreAccounts"> {
  const rows = statements.accounts.all(tenant, owner);
  if (rows.length > SESSION_ACCOUNTS_MAX) {
    const shown = statements.crowdedAccounts.all(tenant, owner);
    return { accounts: shown.map(accountOf), moreAccounts: true };
  }
  // They come newest first, and the sort is stable.
  const sorted = rows.toSorted((a, b) => (String(a.latest) < String(b.latest) ? 1 : a.latest === b.latest ? 0 : -1));
  return { accounts: sorted.map(accountOf), moreAccounts: false };
}

/** Only the last balances and the last movements of a run of changes are written. */
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
        met(statements.setStatus, change.account, change.status);
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
    met(statements.setPosted, account, balance, latest.get(account) ?? null);
    latest.delete(account);
  }
  for (const [account, entry] of latest) met(statements.setPosted, account, null, entry);
  for (const [account, balance] of held) met(statements.setHeld, account, balance);
  putMovements(statements, movements);
}

function putAccount(statements: Statements, account: Account): void {
  const { id, tenant, owner, status, balances, ...rest } = account;
  const { floor, perTransaction, perDay } = rest.limits;
  const limits = { floor: text(floor), perTransaction: text(perTransaction), perDay: text(perDay) };
  const body = JSON.stringify({ id, tenant, owner, ...rest, limits });
  const count = Number(statements.counts.get(tenant, owner)?.accounts ?? 0) + 1;
  const crowded = count > SESSION_ACCOUNTS_MAX ? 1 : 0;
  statements.putAccount.run(id, tenant, owner, status, balances.posted, balances.held, "", crowded, body);
  statements.putAccountCount.run(tenant, owner, count);
  if (count === SESSION_ACCOUNTS_MAX + 1) statements.crowd.run(tenant, owner);
}

function met(update: StatementSync, account: AccountId, ...values: SQLInputValue[]): void {
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

function text(amount: bigint | null): string | null {
  return amount === null ? null : amount.toString();
}

type Row = Record<string, SQLOutputValue>;

function accountOf({ status, posted, held, body }: Row): Account {
  const { limits, ...rest } = parse(body);
  return {
    ...rest,
    status,
    limits: {
      floor: amount(limits.floor),
      perTransaction: amount(limits.perTransaction),
      perDay: amount(limits.perDay),
    },
    balances: { posted, held },
  } as Account;
}

/** A movement as a list, without names and without what its row and its id say already: there are twenty for each owner. */
function movementText(entry: Entry): string {
  return JSON.stringify([
    entry.account,
    text(entry.amount),
    text(entry.balanceAfter),
    entry.currency,
    entry.type,
    entry.bookedAt,
    entry.effectiveDate,
    entry.counterparty,
    entry.reference,
    entry.source.id,
  ]);
}

function movementOf(tenant: string, { id, body }: Row): Entry {
  const [account, amount, balanceAfter, currency, type, bookedAt, effectiveDate, counterparty, reference, source] =
    parse(body);
  const { shard, revision } = readId(String(id));
  return {
    id,
    tenant,
    account,
    amount: BigInt(amount),
    balanceAfter: BigInt(balanceAfter),
    currency,
    type,
    bookedAt,
    effectiveDate,
    counterparty,
    reference,
    source: { kind: type, id: source },
    position: { shard, revision },
  } as Entry;
}

function amount(stored: string | null): bigint | null {
  return stored === null ? null : BigInt(stored);
}

/** @throws row_unreadable when a row holds what this program did not write */
function parse(body: SQLOutputValue | undefined) {
  try {
    assert(typeof body === "string", "a body is JSON text");
    return JSON.parse(body);
  } catch (cause) {
    throw new LedgerError("row_unreadable", "session view: a row's body cannot be read", { cause });
  }
}

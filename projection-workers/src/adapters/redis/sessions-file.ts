import type { StatementSync } from "node:sqlite";
import {
  type AccountId,
  type Entry,
  type EntryId,
  type ProjectionStore,
  parseId,
  readId,
  SESSION_ACCOUNTS_MAX,
  SESSION_MOVEMENTS_MAX,
  type SessionChange,
  type Shard,
  type StoreRow,
  unreachable,
} from "ledger-core";
import { accountText, entryText } from "ledger-core/redis";
import { numberOfId, openSqlite } from "ledger-core/sql";
import { sessionProjection } from "../../projections/session/projection.ts";
import { openViewStore, type ViewModel } from "../sqlite/view-store.ts";

/** The session views that Redis should have, in a file. */
export type SessionsFile = {
  readonly store: ProjectionStore<SessionChange>;
  /** Accounts of a shard in the order in which they were opened, after one. */
  accountsAfter(shard: Shard, account: string, limit: number): readonly string[];
  ownersAfter(shard: Shard, owner: string, limit: number): readonly string[];
  account(account: string): StoreRow | undefined;
  /** How many accounts and movements an owner has, and its latest accounts. */
  counted(shard: Shard, owner: string): string | undefined;
  /** An owner's last movements, newest first. */
  movements(shard: Shard, owner: string): readonly string[];
  close(): void;
};

type Statements = Readonly<
  Record<"open" | "ownerOf" | "addOwner" | "status" | "held" | "entry" | "addMove" | "trim", StatementSync>
>;

const model: ViewModel<SessionChange, Statements> = {
  projection: sessionProjection,
  tables: [
    {
      name: "session_accounts",
      columns:
        "shard INTEGER, number INTEGER, account TEXT, owner TEXT, opened TEXT, status TEXT, posted TEXT, held TEXT," +
        "entry TEXT, score INTEGER",
      key: ["shard", "number"],
      indexes: ["(shard, owner, score)"],
    },
    { name: "session_owners", columns: "shard INTEGER, owner TEXT, accounts INTEGER", key: ["shard", "owner"] },
    {
      name: "session_moves",
      columns: "shard INTEGER, owner TEXT, score INTEGER, text TEXT",
      key: ["shard", "owner", "score"],
    },
  ],
  prepare(prepare) {
    const set = (column: string) => prepare(`UPDATE session_accounts SET ${column} = ? WHERE shard = ? AND number = ?`);
    return {
      open: prepare("INSERT INTO session_accounts VALUES (?, ?, ?, ?, ?, ?, ?, ?, '', ?)"),
      ownerOf: prepare("SELECT owner FROM session_accounts WHERE shard = ? AND number = ?"),
      addOwner: prepare(
        "INSERT INTO session_owners VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET accounts = accounts + 1",
      ),
      status: set("status"),
      held: set("held"),
      entry: prepare("UPDATE session_accounts SET posted = ?, entry = ?, score = ? WHERE shard = ? AND number = ?"),
      addMove: prepare("INSERT INTO session_moves VALUES (?, ?, ?, ?)"),
      trim: prepare(
        `DELETE FROM session_moves WHERE shard = ?1 AND owner = ?2 AND score <= (SELECT score FROM session_moves
          WHERE shard = ?1 AND owner = ?2 ORDER BY score DESC LIMIT 1 OFFSET ${SESSION_MOVEMENTS_MAX})`,
      ),
    };
  },
  write(statements, changes) {
    for (const change of changes) write(statements, change);
  },
};

function write(statements: Statements, change: SessionChange): void {
  switch (change.kind) {
    case "account": {
      const { id, tenant, owner, status, balances } = change.account;
      const { shard, number } = placeOf(id);
      const named = `${tenant}/${owner}`;
      const { posted, held } = balances;
      const text = accountText(change.account);
      statements.open.run(shard, number, id, named, text, status, `${posted}`, `${held}`, idleScore(id));
      statements.addOwner.run(shard, named);
      return;
    }
    case "status": {
      const { shard, number } = placeOf(change.account);
      statements.status.run(change.status, shard, number);
      return;
    }
    case "held": {
      const { shard, number } = placeOf(change.account);
      statements.held.run(`${change.held}`, shard, number);
      return;
    }
    case "movement":
      move(statements, change.entry);
      return;
    default:
      unreachable(change);
  }
}

function move(statements: Statements, entry: Entry): void {
  const { shard, number } = placeOf(entry.account);
  const score = entryScore(entry.id);
  statements.entry.run(`${entry.balanceAfter}`, entry.id, score, shard, number);
  const owner = String(statements.ownerOf.get(shard, number)?.owner);
  statements.addMove.run(shard, owner, score, entryText(entry));
  statements.trim.run(shard, owner);
}

/** Entries of one event, and so their indexes, are fewer. */
const ENTRIES_OF_EVENT = 256;

/** Scores order accounts by their newest entry. */
function entryScore(id: EntryId): number {
  const { revision, salt } = readId(id);
  return revision * ENTRIES_OF_EVENT + salt;
}

/** Below every entry's score; a newer account is above an older one. */
function idleScore(id: AccountId): number {
  return readId(id).revision - 2 ** 41;
}

function placeOf(account: AccountId) {
  return { shard: readId(account).shard, number: numberOfId(account) };
}

/** @param file a new one */
export function openSessionsFile(file: string): SessionsFile {
  const database = openSqlite({ file });
  const store = openViewStore(model, { database });
  const read = (text: string) => database.prepare(text);
  const accountsAfter = read(
    "SELECT account FROM session_accounts WHERE shard = ? AND number > ? ORDER BY number LIMIT ?",
  );
  const ownersAfter = read("SELECT owner FROM session_owners WHERE shard = ? AND owner > ? ORDER BY owner LIMIT ?");
  const account = read("SELECT * FROM session_accounts WHERE shard = ? AND number = ? AND account = ?");
  const counted = read(
    `SELECT accounts, (SELECT count(*) FROM session_moves AS m WHERE m.shard = o.shard AND m.owner = o.owner) AS moves
      FROM session_owners AS o WHERE shard = ? AND owner = ?`,
  );
  const latest = read(
    `SELECT account, entry FROM session_accounts WHERE shard = ? AND owner = ? ORDER BY score DESC
      LIMIT ${SESSION_ACCOUNTS_MAX}`,
  );
  const movements = read("SELECT text FROM session_moves WHERE shard = ? AND owner = ? ORDER BY score DESC");
  return {
    store,
    accountsAfter: (shard, after, limit) =>
      accountsAfter.all(shard, after === "" ? -1 : numberOfId(after), limit).map((row) => String(row.account)),
    ownersAfter: (shard, after, limit) => ownersAfter.all(shard, after, limit).map(({ owner }) => String(owner)),
    account(id) {
      const parsed = parseId("acct", id);
      if (!parsed) return undefined;
      const { shard, number } = placeOf(parsed);
      return account.get(shard, number, id);
    },
    counted: (shard, owner) => {
      const row = counted.get(shard, owner);
      if (!row) return undefined;
      const accounts = latest.all(shard, owner);
      const moved = accounts.filter(({ entry }) => entry !== "").length;
      return `${row.accounts} ${row.moves} ${moved} ${accounts.map(({ account }) => account).join("")}`;
    },
    movements: (shard, owner) => movements.all(shard, owner).map(({ text }) => String(text)),
    close: () => database.close(),
  };
}

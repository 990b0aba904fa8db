import type { Knex } from "knex";
import {
  type Account,
  type Entry,
  entryId,
  SESSION_ACCOUNTS_MAX,
  SESSION_MOVEMENTS_MAX,
  type Session,
  type SessionView,
} from "ledger-core";
import { idOf, numberOfId, positionOf } from "ledger-core/sql";
import { queryLimits } from "../limits.ts";
import { createModelReader, type ModelReader } from "../reading.ts";
import { createReplicaSet } from "../replicas.ts";
import { accountColumns, newestEntry, ownedBy, ownersAccounts } from "./accounts.ts";
import { count, instant, number, type ReadRow, salt } from "./columns.ts";
import { entryColumns, withSources } from "./entries.ts";
import { entryRows } from "./entry-rows.ts";
import { toAccount, toEntry } from "./rows.ts";
import { type ModelsSnapshot, select, table } from "./snapshot.ts";
import { joined, plain, sql } from "./sql.ts";

/** The session view on the read models; nothing is stored for it. */
export function sessionOfModels(models: Pick<ModelReader, "read" | "positions">): Omit<SessionView, "close"> {
  return {
    positions: () => models.positions(),
    async read(tenant, owner) {
      const read = await models.read([], (snapshot) => readSession(snapshot, tenant, owner));
      return read ? { ...read.result, positions: read.positions } : { ...empty, positions: [] };
    },
  };
}

/** Like `sessionOfModels`, on a connection to the models. */
export function openSession(models: () => Knex): ReturnType<typeof sessionOfModels> {
  return sessionOfModels(createModelReader(createReplicaSet([{ name: "models", db: models }]), queryLimits, "models"));
}

const empty = { accounts: [], moreAccounts: false, movements: [] };

async function readSession(
  snapshot: ModelsSnapshot,
  tenant: string,
  owner: string,
): Promise<Omit<Session, "positions">> {
  const latest = await byLatestEntry(snapshot, tenant, owner);
  if (latest.length === 0) return empty;
  const shown = latest.slice(0, SESSION_ACCOUNTS_MAX);
  const numbers = joined(
    shown.map((account) => sql`${account.number}`),
    ", ",
  );
  const rows = await select(
    snapshot,
    sql`SELECT ${accountColumns(snapshot)} FROM ${table(snapshot, "accounts", "a")} WHERE a.number IN (${numbers})`,
  );
  const found = new Map(rows.map((row) => [number(row, "number"), toAccount(row)]));
  const accounts = shown.flatMap((account) => found.get(account.number) ?? []);
  const moving = shown.filter(({ entry }) => entry !== "").slice(0, SESSION_MOVEMENTS_MAX);
  const movements = await lastMovements(
    snapshot,
    moving.flatMap((account) => found.get(account.number) ?? []),
  );
  return { accounts, moreAccounts: latest.length > shown.length, movements };
}

/** An account and the id of its newest entry; empty without one. */
type Latest = { readonly number: number; readonly id: string; readonly entry: string };

/** An owner's accounts: those with the latest entry first, then those without entries, newest first. */
async function byLatestEntry(snapshot: ModelsSnapshot, tenant: string, owner: string): Promise<Latest[]> {
  const newest = (column: string) => newestEntry(snapshot, plain(column));
  const rows = await select(
    snapshot,
    sql`SELECT a.number, a.opened_at, a.salt, ${newest("e.revision")} AS revision, ${newest("e.idx")} AS idx,
        ${newest("e.at")} AS at FROM ${ownersAccounts(snapshot)} WHERE ${ownedBy(tenant, owner)}`,
  );
  return rows.map(latestOf).sort((a, b) => (a.entry + a.id < b.entry + b.id ? 1 : -1));
}

function latestOf(row: ReadRow): Latest {
  const account = number(row, "number");
  const id = idOf("acct", instant(row, "opened_at"), account, salt(row, "salt"));
  if (row.revision === null) return { number: account, id, entry: "" };
  const position = { ...positionOf(account), revision: count(row, "revision") };
  return { number: account, id, entry: entryId(instant(row, "at"), position, count(row, "idx")) };
}

/** The newest entries over some accounts of one tenant, newest first. */
async function lastMovements(snapshot: ModelsSnapshot, accounts: readonly Account[]): Promise<Entry[]> {
  const [first] = accounts;
  if (!first) return [];
  const byNumber = new Map(accounts.map((account) => [numberOfId(account.id), account]));
  const last = [...byNumber.keys()].map((account) => {
    const shard = sql`${positionOf(account).shard}`;
    const read = { columns: entryColumns, account: sql`${account}`, shard, order: "desc" } as const;
    return sql`SELECT * FROM (${entryRows(snapshot, read, SESSION_MOVEMENTS_MAX)}) AS w`;
  });
  const rows = await select(snapshot, withSources(snapshot, first.tenant, joined(last, " UNION ALL ")));
  const shown = rows.flatMap((row) => {
    const account = byNumber.get(number(row, "account"));
    return account ? [toEntry(account, row)] : [];
  });
  return shown.sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, SESSION_MOVEMENTS_MAX);
}

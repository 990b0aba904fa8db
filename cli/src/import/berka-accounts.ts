import { type AccountId, type Position, parseId } from "ledger-core";
import { eachOf } from "../parallel.ts";
import type { Progress } from "../progress.ts";
import type { BerkaRow, Counterparty } from "./berka-row.ts";
import type { LedgerClient } from "./client.ts";
import { listOf, requireText } from "./json.ts";

/** The accounts of a run's rows, by the bank's account_id and by counterparty. */
export type BerkaAccounts = {
  readonly customers: ReadonlyMap<string, AccountId>;
  readonly counterparties: ReadonlyMap<Counterparty, AccountId>;
};

/** The opened accounts, and the newest position returned by an opening; undefined if there was nothing to open. */
export type Opening = {
  readonly accounts: BerkaAccounts;
  readonly opened: number;
  readonly position: Position | undefined;
};

const LANES = 32;

function customerOwner(account: string): string {
  return `berka:${account}`;
}

function counterpartyOwner(counterparty: Counterparty): string {
  return `berka:counterparty:${counterparty}`;
}

/** Looks up the accounts of the rows by owner; changes nothing. */
export async function findAccounts(
  client: LedgerClient,
  rows: readonly BerkaRow[],
  progress: Progress,
): Promise<BerkaAccounts> {
  const customers = new Map<string, AccountId>();
  const counterparties = new Map<Counterparty, AccountId>();
  const { customerKeys, counterpartyKeys } = keysOf(rows);
  progress.begin("finding accounts", customerKeys.length + counterpartyKeys.length);
  await eachOf(counterpartyKeys, LANES, async (key) => {
    const id = await findAccount(client, counterpartyOwner(key), "bank");
    if (id !== undefined) counterparties.set(key, id);
    progress.advance(1);
  });
  await eachOf(customerKeys, LANES, async (key) => {
    const id = await findAccount(client, customerOwner(key), "wallet");
    if (id !== undefined) customers.set(key, id);
    progress.advance(1);
  });
  progress.end();
  return { customers, counterparties };
}

/** Opens the accounts that were not found. */
export async function openMissing(
  client: LedgerClient,
  rows: readonly BerkaRow[],
  found: BerkaAccounts,
  progress: Progress,
): Promise<Opening> {
  const customers = new Map(found.customers);
  const counterparties = new Map(found.counterparties);
  let opened = 0;
  let position: Position | undefined;
  const open = async (owner: string, type: "wallet" | "bank") => {
    const reply = await openAccount(client, owner, type);
    if (!reply.replayed) opened++;
    if (reply.position && reply.position.revision > (position?.revision ?? -1)) position = reply.position;
    progress.advance(1);
    return reply.id;
  };
  const { customerKeys, counterpartyKeys } = keysOf(rows);
  const newCounterparties = counterpartyKeys.filter((key) => !counterparties.has(key));
  const newCustomers = customerKeys.filter((key) => !customers.has(key));
  progress.begin("opening accounts", newCounterparties.length + newCustomers.length);
  await eachOf(newCounterparties, LANES, async (key) => {
    counterparties.set(key, await open(counterpartyOwner(key), "bank"));
  });
  await eachOf(newCustomers, LANES, async (key) => {
    customers.set(key, await open(customerOwner(key), "wallet"));
  });
  progress.end();
  return { accounts: { customers, counterparties }, opened, position };
}

function keysOf(rows: readonly BerkaRow[]) {
  return {
    customerKeys: [...new Set(rows.map((row) => row.account))],
    counterpartyKeys: [...new Set(rows.map((row) => row.counterparty))],
  };
}

async function findAccount(
  client: LedgerClient,
  owner: string,
  type: "wallet" | "bank",
): Promise<AccountId | undefined> {
  const list = await client.get(`/v1/accounts?owner=${encodeURIComponent(owner)}&type=${type}&order=asc&limit=1`);
  const [first] = listOf(list.body, "data");
  return first === undefined ? undefined : readAccountId(first);
}

/**
 * Uses a key derived from the owner: if the account exists but the read model does not show it yet, the first answer is
 * repeated.
 */
async function openAccount(client: LedgerClient, owner: string, type: "wallet" | "bank") {
  const reply = await client.post("/v1/accounts", `berka:open:${owner}`, {
    type,
    currency: "CZK",
    owner,
    timeZone: "Europe/Prague",
    limits: { floor: null },
  });
  return { id: readAccountId(reply.body), replayed: reply.replayed, position: reply.position };
}

function readAccountId(account: unknown): AccountId {
  const text = requireText(account, "id");
  const id = parseId("acct", text);
  if (id === undefined) throw new Error(`the answer's id ${text} is not an account's`);
  return id;
}

import { type AccountId, type Position, parseId } from "ledger-core";
import { eachOf } from "../parallel.ts";
import type { Progress } from "../progress.ts";
import type { BerkaRow } from "./berka-file.ts";
import type { Counterparty } from "./berka-row.ts";
import type { LedgerClient } from "./client.ts";
import { listOf, requireText } from "./json.ts";

/** The accounts of a run's rows, by the bank's account_id and by counterparty. `opened` of them are new. */
export type BerkaAccounts = {
  readonly customers: ReadonlyMap<string, AccountId>;
  readonly counterparties: ReadonlyMap<Counterparty, AccountId>;
  /** Customers whose account stood there before this run: they may have rows already. */
  readonly returning: ReadonlySet<string>;
  readonly opened: number;
  /** The newest position that an opening answered with; undefined when nothing was opened. */
  readonly position: Position | undefined;
};

const LANES = 32;

export function customerOwner(account: string): string {
  return `berka:${account}`;
}

export function counterpartyOwner(counterparty: Counterparty): string {
  return `berka:counterparty:${counterparty}`;
}

/** Finds the accounts of the rows by their owner, and opens those that are not there: again and again with the same result. */
export async function ensureAccounts(
  client: LedgerClient,
  rows: readonly BerkaRow[],
  progress: Progress,
): Promise<BerkaAccounts> {
  const customers = new Map<string, AccountId>();
  const counterparties = new Map<Counterparty, AccountId>();
  const returning = new Set<string>();
  let opened = 0;
  let position: Position | undefined;
  const note = (found: Found) => {
    if (found.opened) opened++;
    if (found.position && found.position.revision > (position?.revision ?? -1)) position = found.position;
    progress.advance(1);
  };
  const customerKeys = [...new Set(rows.map((row) => row.account))];
  const counterpartyKeys = [...new Set(rows.map((row) => row.counterparty))];
  progress.begin("accounts", customerKeys.length + counterpartyKeys.length);
  await eachOf(counterpartyKeys, LANES, async (key) => {
    const found = await ensureAccount(client, counterpartyOwner(key), "bank");
    counterparties.set(key, found.id);
    note(found);
  });
  await eachOf(customerKeys, LANES, async (key) => {
    const found = await ensureAccount(client, customerOwner(key), "wallet");
    customers.set(key, found.id);
    if (!found.opened) returning.add(key);
    note(found);
  });
  progress.end();
  return { customers, counterparties, returning, opened, position };
}

type Found = { readonly id: AccountId; readonly opened: boolean; readonly position: Position | undefined };

async function ensureAccount(client: LedgerClient, owner: string, type: "wallet" | "bank"): Promise<Found> {
  const list = await client.get(`/v1/accounts?owner=${encodeURIComponent(owner)}&type=${type}&order=asc&limit=1`);
  const [first] = listOf(list.body, "data");
  if (first !== undefined) return { id: readAccountId(first), opened: false, position: undefined };
  const reply = await client.post("/v1/accounts", `berka:open:${owner}`, {
    type,
    currency: "CZK",
    owner,
    timeZone: "Europe/Prague",
    limits: { floor: null },
  });
  // A read model that lags behind hides an account that is there: the key then gives the first answer again.
  return { id: readAccountId(reply.body), opened: !reply.replayed, position: reply.position };
}

function readAccountId(account: unknown): AccountId {
  const text = requireText(account, "id");
  const id = parseId("acct", text);
  if (id === undefined) throw new Error(`the answer's id ${text} is not an account's`);
  return id;
}

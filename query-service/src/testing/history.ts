import {
  type AccountId,
  type AccountRow,
  type EntryRow,
  entryId,
  idBody,
  makeId,
  type PaymentRow,
  rebrand,
} from "ledger-core";
import { examples } from "ledger-core/testing";
import type { ModelChange } from "projection-workers";

const { START, account, alice, shop, TENANT } = examples;

/** An account as a change of the models. */
export function openedAccount(n: number, owner: string, fields: Partial<AccountRow> = {}): ModelChange {
  const { id, tenant, type, currency, status, timeZone, openedAt } = account(n, "wallet", owner);
  const row: AccountRow = {
    id,
    tenant,
    owner,
    type,
    currency,
    status,
    display_name: null,
    time_zone: timeZone,
    floor: 0n,
    per_transaction: null,
    per_day: null,
    posted: 0n,
    held: 0n,
    opened_at: BigInt(openedAt),
    metadata: "{}",
    shard: 0,
    ...fields,
  };
  return { kind: "account", row };
}

/** Entries of an account, one a revision from `first` on; `fields` says what is particular about each. */
export function entriesFrom(
  of: AccountId,
  first: number,
  count: number,
  fields: (n: number) => Partial<EntryRow> = () => ({}),
): { kind: "entry"; row: EntryRow }[] {
  return Array.from({ length: count }, (_, index) => {
    const revision = first + index;
    const bookedAt = START + revision;
    const id = entryId(bookedAt, { shard: 0, revision }, 1);
    const row: EntryRow = {
      account: of,
      revision: BigInt(revision),
      idx: 1,
      id,
      tenant: TENANT,
      shard: 0,
      amount: 1n,
      balance_after: BigInt(revision),
      currency: "HKD",
      type: "transfer",
      booked_at: BigInt(bookedAt),
      effective_date: "2026-11-22",
      counterparty: shop,
      reference: null,
      source_id: rebrand("txf", id),
      ...fields(revision),
    };
    return { kind: "entry", row };
  });
}

/** A captured payment made by the nth event; `salt` tells apart those of one event. */
export function paymentChange(n: number, fields: Partial<PaymentRow>, salt = 0) {
  const createdAt = START + n * 1000;
  const row: PaymentRow = {
    id: makeId("pay", idBody(createdAt, { shard: 0, revision: n }, salt)),
    tenant: TENANT,
    payer: alice,
    payee: shop,
    amount: 1n,
    currency: "HKD",
    status: "captured",
    captured: 1n,
    refunded: 0n,
    fee: 0n,
    capture: "automatic",
    reference: null,
    metadata: "{}",
    created_at: BigInt(createdAt),
    expires_at: null,
    shard: 0,
    ...fields,
  };
  return { kind: "payment", row, made: true } as const;
}

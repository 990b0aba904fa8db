import type { Account, AccountType } from "../domain/account.ts";
import type { Caller } from "../domain/caller.ts";
import type {
  CapturePayment,
  MakePayment,
  OpenAccount,
  PayOut,
  PostTransfer,
  RefundPayment,
  TopUpAccount,
  VoidPayment,
} from "../domain/commands.ts";
import type { AccountOpened } from "../domain/events.ts";
import { type AccountId, idBody, makeId, type PaymentId } from "../domain/ids.ts";
import type { Amount, Currency } from "../domain/money.ts";
import { parseCurrency } from "../domain/money.ts";
import type { Micros } from "../domain/time.ts";

/** 2026-11-22T08:30:00Z, a Sunday afternoon in Hong Kong. */
export const START: Micros = 1_795_336_200_000_000;
export const SECOND_US = 1_000_000;
export const DAY_US = 86_400 * SECOND_US;

export const TENANT = "tenant-a";
export const operator: Caller = { tenant: TENANT, role: "operator", sub: "olga" };
export const service: Caller = { tenant: TENANT, role: "service", sub: "gateway" };
export const auditor: Caller = { tenant: TENANT, role: "auditor", sub: "audrey" };
export const stranger: Caller = { tenant: "tenant-b", role: "operator", sub: "oscar" };

export function consumer(sub: string): Caller {
  return { tenant: TENANT, role: "consumer", sub };
}

export function merchant(sub: string): Caller {
  return { tenant: TENANT, role: "merchant", sub };
}

/** A currency known to exist. */
export function currencyOf(code: string): Currency {
  const currency = parseCurrency(code);
  if (currency === undefined) throw new RangeError(`unknown currency ${code}`);
  return currency;
}
export const HKD: Currency = currencyOf("HKD");

/** The id of the nth example account, from 1, in a history that opens these accounts first, a day before its time. */
export function accountId(n: number): AccountId {
  return makeId("acct", idBody(START - DAY_US, { shard: 0, revision: n - 1 }, 1));
}

/** The id of a payment that was never made. */
export const noPayment: PaymentId = makeId("pay", idBody(START - DAY_US, { shard: 0, revision: 999 }, 1));

type Overrides = Partial<Omit<Account, "limits" | "balances">> & {
  readonly posted?: Amount;
  readonly floor?: Amount | null;
  readonly perTransaction?: Amount;
  readonly perDay?: Amount;
};

/** An account in Hong Kong dollars and time, with a balance set without any history. */
export function account(n: number, type: AccountType, owner: string, overrides: Overrides = {}): Account {
  const { posted = 0n, floor, perTransaction = null, perDay = null, ...fields } = overrides;
  const bounded = type === "wallet" || type === "merchant";
  return {
    id: accountId(n),
    tenant: TENANT,
    type,
    currency: HKD,
    owner,
    displayName: type === "merchant" ? owner : null,
    timeZone: "Asia/Hong_Kong",
    status: "open",
    limits: { floor: floor === undefined ? (bounded ? 0n : null) : floor, perTransaction, perDay },
    balances: { posted, held: 0n },
    openedAt: START - DAY_US,
    ...fields,
  };
}

export function opened(account: Account): AccountOpened {
  return { type: "AccountOpened", account, metadata: {} };
}

export const alice: AccountId = accountId(1);
export const bob: AccountId = accountId(2);
export const shop: AccountId = accountId(3);
export const bank: AccountId = accountId(4);

/** Alice's wallet (1), Bob's (2), Sam's shop (3) and a bank (4), in one call. */
export function cast(overrides: { alice?: Overrides; bob?: Overrides; shop?: Overrides; bank?: Overrides } = {}) {
  return [
    opened(account(1, "wallet", "alice", { posted: 10_000n, ...overrides.alice })),
    opened(account(2, "wallet", "bob", { posted: 10_000n, ...overrides.bob })),
    opened(account(3, "merchant", "sam", overrides.shop)),
    opened(account(4, "bank", "bank", overrides.bank)),
  ];
}

export function open(fields: Partial<Omit<OpenAccount, "type">> = {}): OpenAccount {
  return {
    type: "OpenAccount",
    accountType: "wallet",
    currency: HKD,
    owner: "carol",
    displayName: null,
    timeZone: "Asia/Hong_Kong",
    limits: { floor: 0n, perTransaction: null, perDay: null },
    metadata: {},
    ...fields,
  };
}

/** Alice pays the shop, captured at once. */
export function pay(amount: Amount, fields: Partial<Omit<MakePayment, "type">> = {}): MakePayment {
  return {
    type: "MakePayment",
    payer: alice,
    payee: shop,
    amount,
    currency: HKD,
    capture: "automatic",
    reference: null,
    expiresAt: null,
    metadata: {},
    ...fields,
  };
}

export function authorize(amount: Amount, fields: Partial<Omit<MakePayment, "type">> = {}): MakePayment {
  return pay(amount, { capture: "manual", ...fields });
}

export function capture(payment: PaymentId, amount: Amount | null = null, final = false): CapturePayment {
  return { type: "CapturePayment", payment, amount, final };
}

export function voidOf(payment: PaymentId): VoidPayment {
  return { type: "VoidPayment", payment };
}

export function refund(payment: PaymentId, amount: Amount | null = null): RefundPayment {
  return { type: "RefundPayment", payment, amount, reason: null };
}

export type LegTuple = readonly [from: AccountId, to: AccountId, amount: Amount];

export function transfer(legs: readonly LegTuple[], fields: Partial<Omit<PostTransfer, "type">> = {}): PostTransfer {
  return {
    type: "PostTransfer",
    legs: legs.map(([from, to, amount]) => ({ from, to, amount })),
    currency: HKD,
    reference: null,
    effectiveDate: null,
    metadata: {},
    ...fields,
  };
}

export function topUp(amount: Amount, fields: Partial<Omit<TopUpAccount, "type">> = {}): TopUpAccount {
  return { type: "TopUpAccount", account: alice, amount, currency: HKD, rail: "fps", externalId: null, ...fields };
}

export function payOut(amount: Amount, fields: Partial<Omit<PayOut, "type">> = {}): PayOut {
  return { type: "PayOut", account: shop, amount, currency: HKD, rail: "fps", externalId: null, ...fields };
}

export function freeze(account: AccountId) {
  return { type: "FreezeAccount", account, reason: "under review" } as const;
}

export function unfreeze(account: AccountId) {
  return { type: "UnfreezeAccount", account, reason: "review closed" } as const;
}

export function close(account: AccountId) {
  return { type: "CloseAccount", account, reason: "customer left" } as const;
}

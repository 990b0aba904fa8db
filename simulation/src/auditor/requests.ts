import type { Account, Caller, ClientCommand, Fact, LedgerEvent, OpenAccount } from "ledger-core";

/** A request that a client sent at least once under a key: a command or a whole bulk. */
export type SentRequest = {
  readonly caller: Caller;
  readonly command: ClientCommand | null;
  /** The whole request as text; equal for equal requests. */
  readonly text: string;
  /** The keys of the atomic bulk that the command came in; null outside of one. */
  readonly atomicKeys: readonly string[] | null;
};

/** The auditor's notes on one (tenant, client, key). */
export type KeyBook = {
  readonly scope: string;
  /** The different requests sent under the key; an honest client sends one. */
  readonly sent: SentRequest[];
  /**
   * The one event that answers the key, if any, and the `sent` requests that it may answer: more than one if they have
   * the same effect.
   */
  event: LedgerEvent | undefined;
  answers: readonly SentRequest[];
  /** The body of the first answer. */
  body: string | undefined;
  firstAnswers: number;
  /** How often the key was handed to a writer without a definite failure: its event may be in the log, now or later. */
  live: number;
  /** A bulk with this key failed halfway, so the key may have an event from it. */
  partlyApplied: boolean;
};

export type KeyBooks = Map<string, KeyBook>;

export function scopeOf(caller: Pick<Caller, "tenant" | "sub">, key: string): string {
  return `${caller.tenant}\n${caller.sub}\n${key}`;
}

/** Notes a request under its key before anything can come of it. */
export function noteSent(keys: KeyBooks, key: string, sent: SentRequest): KeyBook {
  const scope = scopeOf(sent.caller, key);
  const known = keys.get(scope) ?? {
    scope,
    sent: [],
    event: undefined,
    answers: [],
    body: undefined,
    firstAnswers: 0,
    live: 0,
    partlyApplied: false,
  };
  keys.set(scope, known);
  if (!known.sent.some(({ text }) => text === sent.text)) known.sent.push(sent);
  return known;
}

/** Whether a recorded fact belongs to this command, and not to another under the same key. */
export function tellsOf(fact: Fact, command: ClientCommand): boolean {
  switch (fact.type) {
    case "AccountOpened":
      return command.type === "OpenAccount" && isOpened(command, fact.account);
    case "AccountFrozen":
    case "AccountUnfrozen":
    case "AccountClosed":
      return (
        "account" in command &&
        command.account === fact.account.id &&
        "reason" in command &&
        command.reason === fact.reason
      );
    case "AccountChangeDeclined":
      return "account" in command && command.account === fact.account;
    case "CaptureDeclined":
    case "RefundDeclined":
      return "payment" in command && "amount" in command && same(command, fact);
    case "VoidDeclined":
      return command.type === "VoidPayment" && command.payment === fact.payment;
    case "PaymentDeclined":
    case "TopUpDeclined":
    case "PayoutDeclined":
      return "currency" in command && "amount" in command && command.amount === fact.amount;
    case "TransferDeclined":
      return command.type === "PostTransfer" && textOf(command.legs) === textOf(fact.legs);
    case "PaymentCharged":
    case "PaymentAuthorized":
      return (
        command.type === "MakePayment" && fact.payment.payer === command.payer && fact.payment.amount === command.amount
      );
    default:
      return true;
  }
}

function isOpened(command: OpenAccount, { type, owner, currency, timeZone, displayName, limits }: Account): boolean {
  return (
    textOf([type, owner, currency, timeZone, displayName, limits]) ===
    textOf([
      command.accountType,
      command.owner,
      command.currency,
      command.timeZone,
      command.displayName,
      command.limits,
    ])
  );
}

/** Any value as text, with amounts as digits. */
export function textOf(value: unknown): string {
  return JSON.stringify(value, (_, field: unknown) => (typeof field === "bigint" ? `${field}` : field));
}

function same(a: { payment: string; amount: bigint | null }, b: { payment: string; amount: bigint | null }): boolean {
  return a.payment === b.payment && a.amount === b.amount;
}

import type { Account, Caller, ClientCommand, Fact, LedgerEvent, OpenAccount } from "ledger-core";

/** A request that a client sent under a key, at least once: a command, or a whole bulk. */
export type SentRequest = {
  readonly caller: Caller;
  readonly command: ClientCommand | null;
  /** The whole of it as text: equal for equal requests. */
  readonly text: string;
  /** The bulk that the command came in, if it must happen with all of it or not at all. */
  readonly atomicKeys: readonly string[] | null;
};

/** The auditor's notes on one (tenant, client, key). */
export type KeyBook = {
  readonly scope: string;
  /** Every different thing that was sent under it; an honest client sends one. */
  readonly sent: SentRequest[];
  /**
   * Its one answering event, once there is one, and which of `sent` it may be of: more than one if they come to the
   * same.
   */
  event: LedgerEvent | undefined;
  answers: readonly SentRequest[];
  /** The first answer as it went out. */
  body: string | undefined;
  firstAnswers: number;
  /** Times that it was handed to a writer and did not fail for certain: it may be in the log, now or later. */
  live: number;
  /** A bulk with it failed in its middle: the key may have its event by that. */
  partlyApplied: boolean;
};

export type KeyBooks = Map<string, KeyBook>;

export function scopeOf(caller: Pick<Caller, "tenant" | "sub">, key: string): string {
  return `${caller.tenant}\n${caller.sub}\n${key}`;
}

/** Notes that something is sent under a key, before anything can come of it. */
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

/** Whether a recorded refusal or change tells of this command and not of another under the same key. */
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

/** Any value as text, amounts as digits. */
export function textOf(value: unknown): string {
  return JSON.stringify(value, (_, field: unknown) => (typeof field === "bigint" ? `${field}` : field));
}

function same(a: { payment: string; amount: bigint | null }, b: { payment: string; amount: bigint | null }): boolean {
  return a.payment === b.payment && a.amount === b.amount;
}

import type { AccountId, Amount, Caller, ClientCommand, Micros } from "ledger-core";
import type { AuditBooks } from "./books.ts";
import {
  absent,
  ceilings,
  type ExpectedOutcome,
  inTenant,
  LARGEST,
  type Move,
  refusedOr,
  short,
  tooLarge,
  usable,
} from "./grounds.ts";
import { expectPaymentStep } from "./payment-outcomes.ts";

/** 366 days. */
const DATED_AHEAD_MS = 31_622_400_000;

const none = { moves: [], hold: null, spends: [] } as const;

/** The expected outcome of a command, by the books at a time. */
export function expectOutcome(books: AuditBooks, command: ClientCommand, caller: Caller, at: Micros): ExpectedOutcome {
  switch (command.type) {
    case "OpenAccount":
      return { kind: "accepted", type: "AccountOpened", ...none };
    case "FreezeAccount":
      return expectChange(books, command.account, caller, "AccountFrozen");
    case "UnfreezeAccount":
      return expectChange(books, command.account, caller, "AccountUnfrozen");
    case "CloseAccount":
      return expectChange(books, command.account, caller, "AccountClosed");
    case "PostTransfer":
      return expectTransfer(books, command, caller, at);
    case "TopUpAccount":
    case "PayOut":
      return expectRailMovement(books, command, caller, at);
    case "MakePayment":
    case "CapturePayment":
    case "VoidPayment":
    case "RefundPayment":
      return expectPaymentStep(books, command, caller, at);
    default:
      return command satisfies never;
  }
}

function expectChange(
  books: AuditBooks,
  id: AccountId,
  caller: Caller,
  type: "AccountFrozen" | "AccountUnfrozen" | "AccountClosed",
): ExpectedOutcome {
  const account = inTenant(books, caller, id);
  if (!account || (type === "AccountClosed" && account.type === "clearing")) return absent("account_not_found");
  const empty = account.posted === 0n && account.held === 0n;
  return refusedOr(
    [account.status === "closed" && "account_not_open", type === "AccountClosed" && !empty && "account_not_empty"],
    { kind: "accepted", type, ...none },
  );
}

/**
 * All legs or none. Money that an earlier leg brings in may leave by a later one; ceilings apply to the sum that
 * leaves.
 */
function expectTransfer(
  books: AuditBooks,
  { legs, currency, effectiveDate }: Extract<ClientCommand, { type: "PostTransfer" }>,
  caller: Caller,
  at: Micros,
): ExpectedOutcome {
  const posted = new Map<AccountId, Amount>();
  const leaves = new Map<AccountId, Amount>();
  if (legs.reduce((sum, { amount }) => sum + amount, 0n) > LARGEST) return absent("amount_invalid");
  const last = new Date(at / 1000 + DATED_AHEAD_MS).toISOString().slice(0, 10);
  if (effectiveDate !== null && (effectiveDate < "1970-01-01" || effectiveDate > last))
    return absent("invalid_request");
  const codes: (string | false)[] = [];
  const moves: Move[] = [];
  for (const { from, to, amount } of legs) {
    const payer = usable(books, caller, from);
    const payee = inTenant(books, caller, to);
    if (!payer || !payee) return absent("account_not_found");
    codes.push(from === to && "same_account");
    codes.push((payer.currency !== currency || payee.currency !== currency) && "currency_mismatch");
    codes.push(payee.status === "closed" && "account_not_open");
    codes.push(short(payer, amount, posted.get(from) ?? payer.posted) && "insufficient_funds");
    posted.set(from, (posted.get(from) ?? payer.posted) - amount);
    posted.set(to, (posted.get(to) ?? payee.posted) + amount);
    codes.push(tooLarge(payer, posted.get(from) ?? 0n) && "amount_too_large");
    codes.push(tooLarge(payee, posted.get(to) ?? 0n) && "amount_too_large");
    leaves.set(from, (leaves.get(from) ?? 0n) + amount);
    moves.push([from, -amount], [to, amount]);
  }
  for (const [id, amount] of leaves) {
    const account = books.accounts.get(id);
    if (account) codes.push(...ceilings(account, amount, at));
  }
  return refusedOr(codes, { kind: "accepted", type: "TransferPosted", moves, hold: null, spends: [...leaves] });
}

function expectRailMovement(
  books: AuditBooks,
  { type, account: id, amount, currency, rail }: Extract<ClientCommand, { type: "TopUpAccount" | "PayOut" }>,
  caller: Caller,
  at: Micros,
): ExpectedOutcome {
  const account = type === "TopUpAccount" ? inTenant(books, caller, id) : usable(books, caller, id);
  if (!account || account.type === "clearing") return absent("account_not_found");
  const clearingId = books.clearing.get(`${caller.tenant}/${rail}/${currency}`);
  const clearing = clearingId && books.accounts.get(clearingId);
  const mismatch = account.currency !== currency && "currency_mismatch";
  const closed = account.status === "closed" && "account_not_open";
  const stands = clearing ? clearing.posted : 0n;
  if (type === "TopUpAccount") {
    const large = tooLarge(account, account.posted + amount) || (clearing && tooLarge(clearing, stands - amount));
    const paused = clearing?.status === "frozen" && "account_frozen";
    const moves: Move[] = clearingId
      ? [
          [clearingId, -amount],
          [id, amount],
        ]
      : [];
    return refusedOr([mismatch, closed, paused, large === true && "amount_too_large"], {
      kind: "accepted",
      type: "TopUpSettled",
      moves,
      hold: null,
      spends: [],
    });
  }
  const large = tooLarge(account, account.posted - amount) || (clearing && tooLarge(clearing, stands + amount));
  const moves: Move[] = clearingId
    ? [
        [id, -amount],
        [clearingId, amount],
      ]
    : [];
  return refusedOr(
    [
      mismatch,
      ...ceilings(account, amount, at),
      short(account, amount) && "insufficient_funds",
      large === true && "amount_too_large",
    ],
    { kind: "accepted", type: "PayoutSettled", moves, hold: null, spends: [[id, amount]] },
  );
}

import { type AccountId, type Amount, type Caller, formatInstant, type PaymentId, type Revision } from "ledger-core";
import type { AccountBook, AuditBooks } from "../auditor/books.ts";
import type { EntryLine, History } from "../auditor/history.ts";
import type { Random } from "../random.ts";
import { checkPage, equal, fields } from "./pages.ts";

/** A query, and a check of its answer at the position that the answer claims. */
export type ReadQuestion = {
  readonly caller: Caller;
  readonly path: string;
  /**
   * Checks one page; `after` is the last row of the previous page. Returns the last row of this page.
   * @throws Violation
   */
  check(body: unknown, revision: Revision, after: string | undefined): string | undefined;
};

function balancesOf({ posted, held }: { readonly posted: Amount; readonly held: Amount }) {
  return { posted: `${posted}`, held: `${held}`, available: `${posted - held}` };
}

const nothing = { posted: 0n, held: 0n };

export function askAccount(history: History, caller: Caller, id: AccountId): ReadQuestion {
  return {
    caller,
    path: `/v1/accounts/${id}`,
    check(body, revision) {
      const account = history.account(id, revision);
      equal(
        fields(body, "id", "status", "balances"),
        account && [id, account.status, balancesOf(account)],
        `account ${id}`,
        revision,
      );
      return undefined;
    },
  };
}

/** A balance as of an earlier position, which no later event may change. */
export function askBalance(history: History, caller: Caller, id: AccountId, asOf: Revision): ReadQuestion {
  return {
    caller,
    path: `/v1/accounts/${id}/balance?position=0:${asOf}`,
    check(body, revision) {
      const expected = balancesOf(history.account(id, asOf) ?? nothing);
      equal(
        fields(body, "posted", "held", "available"),
        Object.values(expected),
        `balance of ${id} as of ${asOf}`,
        revision,
      );
      return undefined;
    },
  };
}

/** A history, page by page: each page continues exactly where the previous one ended. */
export function askEntries(history: History, caller: Caller, { id }: AccountBook, random: Random): ReadQuestion {
  const order = random.pick(["desc", "desc", "asc"]);
  const limit = random.pick([1, 2, 5, 50]);
  const type = random.chance(0.3) ? random.pick(["payment", "transfer", "refund"]) : undefined;
  const seen = history.entries(id, Number.MAX_SAFE_INTEGER);
  const from = seen.length > 0 && random.chance(0.4) ? random.pick(seen).at : undefined;
  const filters = `${type ? `&type=${type}` : ""}${from === undefined ? "" : `&from=${formatInstant(from)}`}`;
  const fits = (entry: EntryLine) =>
    (type === undefined || entry.type === type) && (from === undefined || entry.at >= from);
  return {
    caller,
    path: `/v1/accounts/${id}/entries?limit=${limit}&order=${order}${filters}`,
    check(body, revision, after) {
      const all = history.entries(id, revision).filter(fits);
      const ordered = order === "desc" ? all.toReversed() : all;
      return checkPage(
        body,
        ordered.map((entry) => entry.body),
        { order, revision, after, limit, what: `entries of ${id}`, scans: type ? "rows" : undefined },
      );
    },
  };
}

export function askPayment(history: History, caller: Caller, id: PaymentId): ReadQuestion {
  return {
    caller,
    path: `/v1/payments/${id}`,
    check(body, revision) {
      const payment = history.payment(id, revision);
      const expected = payment && [id, payment.status, `${payment.captured}`, `${payment.refunded}`];
      equal(fields(body, "id", "status", "captured", "refunded"), expected, `payment ${id}`, revision);
      return undefined;
    },
  };
}

/** The payments of a tenant, an account or an owner, in one state, newest first. */
export function askPayments(history: History, { caller, account, mine }: AskedPayments, random: Random): ReadQuestion {
  const limit = random.pick([1, 3, 20]);
  const status = random.pick(["authorized", "captured", "expired", "any"]);
  const filters = `${status === "any" ? "" : `&status=${status}`}${account === undefined ? "" : `&account=${account}`}`;
  return {
    caller,
    path: `/v1/payments?limit=${limit}${filters}`,
    check(body, revision, after) {
      const fitting = history
        .payments(revision)
        .filter((id) => mine(id) && (status === "any" || history.payment(id, revision)?.status === status))
        .map((id) => ({ id }))
        .toReversed();
      const scans = scansOf(caller, account, status);
      return checkPage(body, fitting, { order: "desc", revision, after, limit, what: "payments", scans });
    },
  };
}

type AskedPayments = {
  readonly caller: Caller;
  readonly account: AccountId | undefined;
  /** Whether a payment belongs to the list, apart from its state. */
  readonly mine: (id: PaymentId) => boolean;
};

/** No index finds an account's payments among its entries, nor payments captured after their creation. */
function scansOf({ role }: Caller, account: AccountId | undefined, status: string) {
  const ofAccounts = role === "consumer" || account !== undefined;
  if (status === "any") return ofAccounts ? "rows" : undefined;
  return ofAccounts || status === "captured" ? "states" : undefined;
}

/** The accounts of a tenant or of an owner, of one type or of all. */
export function askAccounts(books: AuditBooks, history: History, caller: Caller, random: Random): ReadQuestion {
  const order = random.pick(["desc", "asc"]);
  const limit = random.pick([1, 3, 20]);
  const kind = random.pick(["any", "wallet", "merchant"]);
  const type = kind === "any" ? undefined : kind;
  return {
    caller,
    path: `/v1/accounts?limit=${limit}&order=${order}${type === undefined ? "" : `&type=${type}`}`,
    check(body, revision, after) {
      const ids = [...books.accounts.values()]
        .filter((one) => one.tenant === caller.tenant && (caller.role === "operator" || one.owner === caller.sub))
        .filter((one) => (type === undefined || one.type === type) && history.account(one.id, revision))
        .map(({ id }) => ({ id }))
        .toSorted((a, b) => (a.id < b.id ? -1 : 1));
      const fitting = order === "desc" ? ids.toReversed() : ids;
      const scans = caller.role === "consumer" && type !== undefined ? "rows" : undefined;
      return checkPage(body, fitting, { order, revision, after, limit, what: "accounts", scans });
    },
  };
}

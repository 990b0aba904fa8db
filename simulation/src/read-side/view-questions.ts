import type { AccountId, Caller, Revision } from "ledger-core";
import type { AccountBook, AuditBooks } from "../auditor/books.ts";
import type { History } from "../auditor/history.ts";
import { equal, fields } from "./pages.ts";
import type { ReadQuestion } from "./questions.ts";

export const ACCOUNTS_MAX = 50;
const MOVEMENTS_MAX = 20;

/** The first screen of an owner's app. */
export function askSession(books: AuditBooks, history: History, { tenant, owner }: AccountBook): ReadQuestion {
  const caller: Caller = { tenant, role: "consumer", sub: owner };
  return {
    caller,
    path: "/v1/me/session",
    check(body, revision) {
      const own = [...books.accounts.values()].filter((one) => one.tenant === tenant && one.owner === owner);
      const accounts = byLatestEntry(history, own, revision).flatMap(({ id }) => {
        const account = history.account(id, revision);
        return account ? [[id, account.status, `${account.posted}`, `${account.held}`] as const] : [];
      });
      const movements = own.flatMap(({ id }) => history.entries(id, revision).map((entry) => String(entry.body.id)));
      const [shownAccounts, moreAccounts, shownMovements] = fields(body, "accounts", "moreAccounts", "movements");
      const shown = listOf(shownAccounts).map((account) => {
        const [id, status, balances] = fields(account, "id", "status", "balances");
        return [id, status, ...fields(balances, "posted", "held")];
      });
      equal(shown, accounts.slice(0, ACCOUNTS_MAX), `accounts of ${owner}`, revision);
      equal(moreAccounts, accounts.length > ACCOUNTS_MAX, `whether ${owner} has more accounts`, revision);
      const last = movements.toSorted().toReversed().slice(0, MOVEMENTS_MAX);
      const ids = listOf(shownMovements).map((movement) => fields(movement, "id")[0]);
      equal(ids, last, `movements of ${owner}`, revision);
      return undefined;
    },
  };
}

/** Accounts in the order of a session: those with the latest entry first. */
export function byLatestEntry(
  history: History,
  accounts: readonly AccountBook[],
  revision: Revision,
): readonly AccountBook[] {
  const latest = new Map(accounts.map(({ id }) => [id, String(history.entries(id, revision).at(-1)?.body.id ?? "")]));
  const orderOf = ({ id }: AccountBook) => `${latest.get(id)} ${id}`;
  return accounts.toSorted((a, b) => (orderOf(a) < orderOf(b) ? 1 : -1));
}

/** Merchants that an account has not paid, ranked by how many payers of its merchants have paid them. */
export function askRecommendations(books: AuditBooks, history: History, caller: Caller, id: AccountId): ReadQuestion {
  return {
    caller,
    path: `/v1/accounts/${id}/recommendations?limit=200`,
    check(body, revision) {
      const expected = makeRecommender(books, history, revision)(id);
      const [data] = fields(body, "data");
      equal(
        listOf(data).map((one) => fields(one, "merchant", "score")),
        expected,
        `merchants for ${id}`,
        revision,
      );
      return undefined;
    },
  };
}

/** By the books, the recommendations for any account at a revision: merchants and their scores, best first. */
export function makeRecommender(books: AuditBooks, history: History, revision: Revision) {
  const paid = merchantsPaid(books, history, revision);
  return (id: AccountId): readonly (readonly [AccountId, number])[] => {
    const mine = paid.get(id) ?? new Set();
    const peers = [...paid].filter(([payer, merchants]) => payer !== id && [...mine].some((one) => merchants.has(one)));
    const scores = new Map<AccountId, number>();
    for (const merchant of peers.flatMap(([, merchants]) => [...merchants])) {
      const isOpen = history.account(merchant, revision)?.status === "open";
      if (isOpen && merchant !== id && !mine.has(merchant)) scores.set(merchant, (scores.get(merchant) ?? 0) + 1);
    }
    return [...scores].sort(([a, scoreA], [b, scoreB]) => scoreB - scoreA || (a < b ? -1 : 1));
  };
}

/** The payers who have left money with each merchant. */
function merchantsPaid(books: AuditBooks, history: History, revision: Revision): Map<AccountId, Set<AccountId>> {
  const paid = new Map<AccountId, Set<AccountId>>();
  for (const { id, payer, payee } of books.payments.values()) {
    const payment = history.payment(id, revision);
    if (!payment || payment.captured <= payment.refunded || books.accounts.get(payee)?.type !== "merchant") continue;
    const merchants = paid.get(payer) ?? new Set();
    paid.set(payer, merchants.add(payee));
  }
  return paid;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

import type { AccountId, Caller } from "ledger-core";
import { examples } from "ledger-core/testing";
import type { ServedAnswer, TestQueries } from "./served.ts";

/*
 * Reads of an account whose entry of each revision leaves a balance equal to that revision: an answer shows by itself
 * of which moment its rows are.
 */

/** One way to read the account. */
export type StaleReadKind = {
  readonly url: (account: AccountId, asked: number) => string;
  readonly caller: Caller;
  /** Every balance in the answer, newest first. */
  readonly shown: (body: Body) => readonly unknown[];
  /** The balance that the newest must be, in an answer at a position. */
  readonly expected: (position: number, asked: number) => number;
};
type Body = Readonly<Record<string, unknown>>;

const { operator } = examples;
const atPosition = (position: number) => position;

export const staleReadKinds: readonly StaleReadKind[] = [
  {
    url: (account) => `/v1/accounts/${account}/balance`,
    ...{ caller: operator, shown: ({ posted }) => [posted], expected: atPosition },
  },
  {
    url: (account, asked) => `/v1/accounts/${account}/balance?position=0:${asked}`,
    ...{ caller: operator, shown: ({ posted }) => [posted], expected: (_, asked) => asked },
  },
  {
    url: (account) => `/v1/accounts/${account}`,
    ...{ caller: operator, shown: ({ balances }) => [fieldOf(balances, "posted")], expected: atPosition },
  },
  {
    url: (account) => `/v1/accounts/${account}/entries?limit=5`,
    ...{ caller: operator, shown: ({ data }) => balancesAfter(data), expected: atPosition },
  },
  {
    url: () => "/v1/me/session",
    caller: examples.consumer("alice"),
    shown: ({ accounts, movements }) => {
      const after = balancesAfter(movements);
      const posted = listOf(accounts).map((account) => fieldOf(fieldOf(account, "balances"), "posted"));
      // Both are the newest: a difference between them is a gap.
      return posted.length === 1 && posted[0] === after[0] ? after : [...posted, "other movements", ...after];
    },
    expected: atPosition,
  },
];

/** `answered` and `refused` (503 with Retry-After) are all that may be; `older` and `torn` name the first faults. */
export type StaleReads = {
  answered: number;
  refused: number;
  /** Answers from before the position that was asked for. */
  readonly older: string[];
  /** Answers whose rows are not those of the position that they state, and answers of any other kind. */
  readonly torn: string[];
};

/** The questions of one reader. */
export type StaleRead = {
  readonly kind: StaleReadKind;
  readonly account: AccountId;
  readonly asked: number;
  readonly waitMs: number;
  /** Plants a fault: the query is asked without the position. */
  readonly withoutPosition: boolean;
};

/** Asks, and adds the answer to those found. @returns the position of a right answer */
export async function askAndJudge(queries: TestQueries, read: StaleRead, found: StaleReads): Promise<number> {
  const { kind, account, asked, waitMs, withoutPosition } = read;
  const position = withoutPosition ? {} : { "ledger-position": `0:${asked}` };
  const url = kind.url(account, asked);
  const answer = await queries.get(kind.caller, url, { ...position, "ledger-wait": `${waitMs}` });
  if (answer.status === 503 && answer.headers["retry-after"] !== undefined) {
    found.refused++;
    return 0;
  }
  return judge(read, url, answer, found);
}

function judge({ kind, asked }: StaleRead, url: string, answer: ServedAnswer, found: StaleReads): number {
  const { status, headers, body, text } = answer;
  const position = Number(String(headers["ledger-position"]).split(":")[1]);
  const told = () => `${url}, asked for ${asked}: ${status}, at ${position}: ${text.slice(0, 1000)}`;
  const shown = kind.shown(body);
  const newest = kind.expected(position, asked);
  const isWhole = shown.length > 0 && shown.every((balance, n) => balance === String(newest - n));
  if (status !== 200 || !isWhole) found.torn.push(told());
  else if (position < asked) found.older.push(told());
  else {
    found.answered++;
    return position;
  }
  return 0;
}

function balancesAfter(entries: unknown): unknown[] {
  return listOf(entries).map((entry) => fieldOf(entry, "balanceAfter"));
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Object.entries(value).find(([key]) => key === name)?.[1] : value;
}

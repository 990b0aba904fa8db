import type { AccountStatus, AccountType, Currency } from "ledger-core";
import { PagedList } from "./paged-list.ts";
import type { Pages } from "./pages.ts";
import { stateCorrupt } from "./state-faults.ts";

/** What many accounts have in common: kept once, and named by its number. */
export type AccountKind = {
  readonly tenant: string;
  readonly type: AccountType;
  readonly currency: Currency;
  readonly timeZone: string;
  readonly status: AccountStatus;
};

/** What many accounts have in common, each kind under the number that accounts bear. Kinds are few and never go. */
export class AccountKinds {
  private readonly list: PagedList<AccountKind>;
  private readonly numbers = new Map<string, number>();

  constructor(pages: Pages, perPage: number) {
    this.list = new PagedList({ pages, kind: "kinds", perPage, parse: parseKind });
    for (const [number, kind] of this.list.values.entries()) this.numbers.set(textOf(kind), number);
  }

  get count(): number {
    return this.list.values.length;
  }

  /** @throws state_corrupt when no account that was opened is of this kind */
  at(number: number): AccountKind {
    const kind = this.list.values[number];
    if (!kind) throw stateCorrupt(`an account is of kind ${number}, which is not known`);
    return kind;
  }

  /** The number of a kind: a new one for one that was never seen. */
  numberOf(kind: AccountKind): number {
    const text = textOf(kind);
    const known = this.numbers.get(text);
    if (known !== undefined) return known;
    const { tenant, type, currency, timeZone, status } = kind;
    this.numbers.set(text, this.count);
    return this.list.values.push({ tenant, type, currency, timeZone, status }) - 1;
  }

  /** Forgets the kinds that were seen first by what is taken back. */
  truncate(count: number): void {
    if (count === this.count) return;
    for (const kind of this.list.values.slice(count)) this.numbers.delete(textOf(kind));
    this.list.truncate(count);
  }

  /** Writes those that are new. */
  write(): void {
    this.list.write();
  }
  settle(): void {
    this.list.settle();
  }
}

function textOf({ tenant, type, currency, timeZone, status }: AccountKind): string {
  return [tenant, type, currency, timeZone, status].join("\n");
}

function parseKind(json: unknown): AccountKind {
  const kind = json as AccountKind;
  for (const text of [kind.tenant, kind.type, kind.currency, kind.timeZone, kind.status]) {
    if (typeof text !== "string") throw new TypeError("a kind of account lacks a text");
  }
  return kind;
}

import type { AccountStatus, AccountType, Currency } from "ledger-core";
import { PagedList } from "./paged-list.ts";
import type { Pages } from "./pages.ts";
import { stateCorrupt } from "./state-faults.ts";

/** Properties that many accounts share; stored once and referred to by number. */
export type AccountKind = {
  readonly tenant: string;
  readonly type: AccountType;
  readonly currency: Currency;
  readonly timeZone: string;
  readonly status: AccountStatus;
};

/** The kinds of accounts by number. Kinds are few and never removed. */
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

  /** @throws state_corrupt if there is no such kind */
  at(number: number): AccountKind {
    const kind = this.list.values[number];
    if (!kind) throw stateCorrupt(`an account is of kind ${number}, which is not known`);
    return kind;
  }

  /** The number of a kind, which is added if it is new. */
  numberOf(kind: AccountKind): number {
    const text = textOf(kind);
    const known = this.numbers.get(text);
    if (known !== undefined) return known;
    const { tenant, type, currency, timeZone, status } = kind;
    this.numbers.set(text, this.count);
    return this.list.values.push({ tenant, type, currency, timeZone, status }) - 1;
  }

  /** Forgets the kinds added by rolled-back events. */
  truncate(count: number): void {
    if (count === this.count) return;
    for (const kind of this.list.values.slice(count)) this.numbers.delete(textOf(kind));
    this.list.truncate(count);
  }

  /** Writes the new kinds. */
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

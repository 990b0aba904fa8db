import { assert } from "ledger-core";
import type { AccountKind, AccountTables } from "./account-tables.ts";

/** What many accounts have in common, each kind under the number that accounts bear. Kinds are few and never go. */
export class AccountKinds {
  private readonly tables: AccountTables;
  private readonly kinds: AccountKind[];
  private readonly numbers = new Map<string, number>();
  private written: number;

  constructor(tables: AccountTables) {
    this.tables = tables;
    this.kinds = tables.kinds();
    this.written = this.kinds.length;
    for (const [number, kind] of this.kinds.entries()) this.numbers.set(textOf(kind), number);
  }

  at(number: number): AccountKind {
    const kind = this.kinds[number];
    assert(kind, `an account is of kind ${number}, which is not known`);
    return kind;
  }

  /** The number of a kind: a new one for one that was never seen. */
  numberOf(kind: AccountKind): number {
    const text = textOf(kind);
    const known = this.numbers.get(text);
    if (known !== undefined) return known;
    const { tenant, type, currency, timeZone, status } = kind;
    this.numbers.set(text, this.kinds.length);
    return this.kinds.push({ tenant, type, currency, timeZone, status }) - 1;
  }

  /** Writes those that are new. */
  write(): void {
    for (; this.written < this.kinds.length; this.written++) this.tables.writeKind(this.written, this.at(this.written));
  }
}

function textOf({ tenant, type, currency, timeZone, status }: AccountKind): string {
  return [tenant, type, currency, timeZone, status].join("\n");
}

import type {
  AccountId,
  AccountState,
  AccountStatus,
  AccountType,
  Amount,
  Balances,
  BusinessDate,
  Currency,
  Limits,
  Micros,
} from "ledger-core";
import type { AccountKind } from "./account-kinds.ts";
import type { AccountNames } from "./account-names.ts";
import type { AccountPage } from "./account-page.ts";

/** Finds an account's current page and its names. */
type Store = { present(page: AccountPage): AccountPage; namesOf(page: AccountPage, index: number): AccountNames };

/** A snapshot of an account. Properties that never change and are seldom needed are read on demand. */
export class StoredAccount implements AccountState {
  readonly id: AccountId;
  readonly kind: AccountKind;
  readonly page: AccountPage;
  readonly index: number;
  readonly balances: Balances;
  readonly day: BusinessDate | null;
  readonly spent: Amount;
  private readonly store: Store;

  constructor(id: AccountId, kind: AccountKind, page: AccountPage, index: number, store: Store) {
    this.id = id;
    this.kind = kind;
    this.page = page;
    this.index = index;
    this.balances = { posted: page.posted(index), held: page.held(index) };
    this.day = page.day(index);
    this.spent = this.day === null ? 0n : page.spent(index);
    this.store = store;
  }

  get tenant(): string {
    return this.kind.tenant;
  }
  get type(): AccountType {
    return this.kind.type;
  }
  get currency(): Currency {
    return this.kind.currency;
  }
  get timeZone(): string {
    return this.kind.timeZone;
  }
  get status(): AccountStatus {
    return this.kind.status;
  }
  get limits(): Limits {
    return this.present.limitsAt(this.index);
  }
  get openedAt(): Micros {
    return this.present.openedAt(this.index);
  }
  get owner(): string {
    return this.store.namesOf(this.present, this.index).owner;
  }
  get displayName(): string | null {
    return this.store.namesOf(this.present, this.index).displayName;
  }

  private get present(): AccountPage {
    return this.store.present(this.page);
  }
}

import type { Account, AccountStatus } from "../domain/account.ts";
import type { Entry } from "../domain/entries.ts";
import type { AccountId } from "../domain/ids.ts";
import type { Amount } from "../domain/money.ts";
import type { Position } from "../domain/position.ts";

/**
 * The app's first screen. `accounts` are at most SESSION_ACCOUNTS_MAX, those with the latest entry first, then those
 * without entries, the newest first; `movements` are the owner's last SESSION_MOVEMENTS_MAX entries over all accounts,
 * newest first.
 */
export type Session = {
  readonly accounts: readonly Account[];
  /** Whether the owner has accounts that are not among these. */
  readonly moreAccounts: boolean;
  readonly movements: readonly Entry[];
  /** The position that the view had applied when it was read, one per shard. */
  readonly positions: readonly Position[];
};
export const SESSION_ACCOUNTS_MAX = 50;
export const SESSION_MOVEMENTS_MAX = 20;

export type SessionChange =
  | { readonly kind: "account"; readonly account: Account }
  | { readonly kind: "status"; readonly account: AccountId; readonly status: AccountStatus }
  | { readonly kind: "held"; readonly account: AccountId; readonly held: Amount }
  /** The posted balance is the one after the entry. */
  | { readonly kind: "movement"; readonly entry: Entry };

/** The session view as queries read it: Redis in production, a file when embedded. */
export interface SessionView {
  /** The accounts and movements of an owner; empty lists for an owner without accounts. @throws store_unavailable */
  read(tenant: string, owner: string): Promise<Session>;
  /** The view's position per shard. @throws store_unavailable */
  positions(): Promise<readonly Position[]>;
  close(): Promise<void>;
}

import { type Account, type AccountState, type AccountStatus, accountOf } from "../account.ts";
import type { CloseAccount, FreezeAccount, OpenAccount, UnfreezeAccount } from "../commands.ts";
import type { Decision, DecisionContext, LedgerState } from "../decision.ts";
import { makeId } from "../ids.ts";
import { type Rejection, reject } from "../rejections.ts";
import { absentAccount, accepted, accountInTenant, isLedgersOwn, notOpen, refused } from "./checks.ts";

/** Never refuses: roles are checked before, and an owner may have many accounts. */
export function decideOpenAccount(command: OpenAccount, context: DecisionContext): Decision {
  const account: Account = {
    id: makeId("acct", context.mint(0)),
    tenant: context.caller.tenant,
    type: command.accountType,
    currency: command.currency,
    owner: command.owner,
    displayName: command.displayName,
    timeZone: command.timeZone,
    status: "open",
    limits: command.limits,
    balances: { posted: 0n, held: 0n },
    openedAt: context.now,
  };
  return accepted({ type: "AccountOpened", account, metadata: command.metadata });
}

/**
 * Freezing what is frozen and unfreezing what is open are accepted and recorded again, with nothing changed: the second
 * officer's reason is worth keeping. Closing needs both balances at zero, frozen or not. Nothing comes after closing. A
 * clearing account may be frozen, which pauses its rail; closing the ledger's own would end the rail for good, so they
 * are not there to be closed.
 */
export function decideAccountChange(
  state: LedgerState,
  command: FreezeAccount | UnfreezeAccount | CloseAccount,
  context: DecisionContext,
): Decision {
  const account = accountInTenant(state, context.caller, command.account);
  if (account === undefined || (command.type === "CloseAccount" && isLedgersOwn(account))) {
    return refused(absentAccount(command.account));
  }
  const rejection = notOpen(account) ?? (command.type === "CloseAccount" ? notEmpty(account) : undefined);
  if (rejection) return refused(rejection);

  const { reason } = command;
  switch (command.type) {
    case "FreezeAccount":
      return accepted({ type: "AccountFrozen", account: withStatus(account, "frozen"), reason });
    case "UnfreezeAccount":
      return accepted({ type: "AccountUnfrozen", account: withStatus(account, "open"), reason });
    case "CloseAccount":
      return accepted({ type: "AccountClosed", account: withStatus(account, "closed"), reason });
    default:
      return command satisfies never;
  }
}

function notEmpty(account: AccountState): Rejection | undefined {
  if (account.balances.posted === 0n && account.balances.held === 0n) return undefined;
  return reject(
    "account_not_empty",
    `Account ${account.id} still has a balance or a hold; bring both to zero before you close it.`,
  );
}

function withStatus(account: AccountState, status: AccountStatus): Account {
  return { ...accountOf(account), status };
}

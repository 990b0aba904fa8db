import type { Command } from "../commands.ts";
import type { Decision, DecisionContext, LedgerState, Needs } from "../decision.ts";
import { unreachable } from "../errors.ts";
import type { AccountId } from "../ids.ts";
import { decideAccountChange, decideOpenAccount } from "./accounts.ts";
import { decideCapture } from "./captures.ts";
import { decideMakePayment } from "./payments.ts";
import { decideRefund } from "./refunds.ts";
import { decideExpiry, decideVoid } from "./releases.ts";
import { decidePayOut, decideTopUp } from "./top-ups-and-payouts.ts";
import { decideTransfer } from "./transfers.ts";

/**
 * Decides a command on a state: facts to append, or a refusal. Pure: time, ids and caller come with the context, and
 * the state must hold what the command `needs`. The edge has checked that the role may send the command (`maySend`);
 * whether the caller may use these objects is checked here, and a forbidden object is refused as if absent.
 */
export function decide(state: LedgerState, command: Command, context: DecisionContext): Decision {
  switch (command.type) {
    case "MakePayment":
      return decideMakePayment(state, command, context);
    case "PostTransfer":
      return decideTransfer(state, command, context);
    case "TopUpAccount":
      return decideTopUp(state, command, context);
    case "PayOut":
      return decidePayOut(state, command, context);
    case "CapturePayment":
      return decideCapture(state, command, context);
    case "VoidPayment":
      return decideVoid(state, command, context);
    case "ExpirePayment":
      return decideExpiry(state, command, context);
    case "RefundPayment":
      return decideRefund(state, command, context);
    case "OpenAccount":
      return decideOpenAccount(command, context);
    case "FreezeAccount":
    case "UnfreezeAccount":
    case "CloseAccount":
      return decideAccountChange(state, command, context);
    default:
      return unreachable(command);
  }
}

const nothing: Needs = { accounts: [], payment: null, clearing: null };

/** Everything that deciding a command reads. */
export function needs(command: Command): Needs {
  switch (command.type) {
    case "OpenAccount":
      return nothing;
    case "FreezeAccount":
    case "UnfreezeAccount":
    case "CloseAccount":
      return { ...nothing, accounts: [command.account] };
    case "PostTransfer": {
      const accounts = new Set<AccountId>();
      for (const { from, to } of command.legs) accounts.add(from).add(to);
      return { ...nothing, accounts: [...accounts] };
    }
    case "TopUpAccount":
    case "PayOut":
      return { accounts: [command.account], payment: null, clearing: command };
    case "MakePayment":
      return { accounts: [command.payer, command.payee], payment: null, clearing: null };
    case "CapturePayment":
    case "VoidPayment":
    case "RefundPayment":
    case "ExpirePayment":
      return { ...nothing, payment: command.payment };
    default:
      return unreachable(command);
  }
}

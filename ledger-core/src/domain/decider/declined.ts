import type { ClientCommand } from "../commands.ts";
import { assert, unreachable } from "../errors.ts";
import type { Declined } from "../events.ts";
import { type Rejection, rejections } from "../rejections.ts";

/**
 * Makes a fact of a refusal, so that the same key always gets the same answer and declines can be counted. Only for
 * rejections marked as recorded; opening an account has none.
 */
export function declined(command: ClientCommand, { code, detail }: Rejection): Declined {
  assert(rejections[code].recorded, `${code} is never recorded`);
  switch (command.type) {
    case "FreezeAccount":
      return { type: "AccountChangeDeclined", code, detail, change: "freeze", account: command.account };
    case "UnfreezeAccount":
      return { type: "AccountChangeDeclined", code, detail, change: "unfreeze", account: command.account };
    case "CloseAccount":
      return { type: "AccountChangeDeclined", code, detail, change: "close", account: command.account };
    case "PostTransfer":
      return { type: "TransferDeclined", code, detail, legs: command.legs, currency: command.currency };
    case "TopUpAccount": {
      const { account, amount, currency, rail } = command;
      return { type: "TopUpDeclined", code, detail, account, amount, currency, rail };
    }
    case "PayOut": {
      const { account, amount, currency, rail } = command;
      return { type: "PayoutDeclined", code, detail, account, amount, currency, rail };
    }
    case "MakePayment": {
      const { payer, payee, amount, currency, capture } = command;
      return { type: "PaymentDeclined", code, detail, payer, payee, amount, currency, capture };
    }
    case "CapturePayment":
      return { type: "CaptureDeclined", code, detail, payment: command.payment, amount: command.amount };
    case "VoidPayment":
      return { type: "VoidDeclined", code, detail, payment: command.payment };
    case "RefundPayment":
      return { type: "RefundDeclined", code, detail, payment: command.payment, amount: command.amount };
    case "OpenAccount":
      throw new Error(`assertion failed: an account's opening was refused with ${code}`);
    default:
      return unreachable(command);
  }
}

import type { Account } from "./account.ts";
import type { Caller, Role } from "./caller.ts";
import type { ClientCommand, CommandType } from "./commands.ts";

/** The roles that may send each command; all others are denied (403). */
const senders: Record<ClientCommand["type"], readonly Role[]> = {
  OpenAccount: ["operator", "service"],
  FreezeAccount: ["operator"],
  UnfreezeAccount: ["operator"],
  CloseAccount: ["operator"],
  PostTransfer: ["operator", "service"],
  TopUpAccount: ["operator", "service"],
  PayOut: ["operator", "service", "merchant"],
  MakePayment: ["operator", "service", "consumer", "merchant"],
  CapturePayment: ["operator", "service", "merchant"],
  VoidPayment: ["operator", "service", "merchant"],
  RefundPayment: ["operator", "service", "merchant"],
};

/** Whether a role may send this command to any object at all. */
export function maySend(role: Role, command: Exclude<CommandType, "ExpirePayment">): boolean {
  return senders[command].includes(role);
}

/** Whether a caller may act for an account: debit it, or act as its payee. */
export function mayUse(caller: Caller, account: Pick<Account, "tenant" | "owner">): boolean {
  if (caller.tenant !== account.tenant) return false;
  switch (caller.role) {
    case "operator":
    case "service":
      return true;
    case "consumer":
    case "merchant":
      return caller.sub === account.owner;
    case "auditor":
    case "platform":
      return false;
    default:
      return caller.role satisfies never;
  }
}

/** Whether a caller sees all data of its tenant, and not only that of its own accounts. */
export function seesWholeTenant(role: Role): boolean {
  return role === "operator" || role === "auditor" || role === "service";
}

/** Whether a caller may read an object that touches accounts of these owners. */
export function mayRead(caller: Caller, object: { tenant: string; owners: readonly string[] }): boolean {
  if (caller.role === "platform" || caller.tenant !== object.tenant) return false;
  return seesWholeTenant(caller.role) || object.owners.includes(caller.sub);
}

import { type ClientCommand, maySend, type Rejection, type Role } from "ledger-core";
import { bodyProblem, compileCheck, type FieldFault, type Misfit } from "ledger-core/http";
import type { BulkItem, ItemFault } from "../submission.ts";
import { type PaymentRequest, paymentRequest, readPayment } from "./payments.ts";
import { type RailRequest, railRequest, readPayout, readTopUp } from "./rail-movements.ts";
import { readTransfer, type TransferRequest, transferRequest } from "./transfers.ts";

type ItemCommand = {
  readonly schema: object;
  readonly command: ClientCommand["type"];
  readonly check: (item: unknown) => Misfit | undefined;
  /** The command of an item that passed the check. */
  readonly read: (item: unknown) => ClientCommand | Rejection;
};

/** What an item may command, by its name on the wire. */
export const itemCommands: Readonly<Record<string, ItemCommand>> = {
  payment: itemCommand("payment", "MakePayment", paymentRequest, (item) => readPayment(item as PaymentRequest)),
  transfer: itemCommand("transfer", "PostTransfer", transferRequest, (item) => readTransfer(item as TransferRequest)),
  "top-up": itemCommand("top-up", "TopUpAccount", railRequest, (item) => readTopUp(item as RailRequest)),
  payout: itemCommand("payout", "PayOut", railRequest, (item) => readPayout(item as RailRequest)),
};

/** An item's schema is its command's body, and beside those fields the item's key and the command's name. */
function itemCommand(
  name: string,
  command: ItemCommand["command"],
  body: { readonly required: readonly string[]; readonly properties: object },
  read: ItemCommand["read"],
): ItemCommand {
  const schema = {
    ...body,
    required: ["idempotencyKey", "command", ...body.required],
    properties: {
      idempotencyKey: { type: "string", pattern: "^[\\x20-\\x7e]{1,255}$" },
      command: { type: "string", enum: [name] },
      ...body.properties,
    },
  };
  return { schema, command, check: compileCheck(schema), read };
}

/** An item as the writer takes it: a command, or the fault that keeps it from being one. */
export function readItem(item: unknown, role: Role): BulkItem {
  if (typeof item !== "object" || item === null || !("command" in item))
    return invalid([{ pointer: "/command", detail: "is required" }]);
  const known = typeof item.command === "string" ? Object.hasOwn(itemCommands, item.command) : false;
  const kind = known ? itemCommands[String(item.command)] : undefined;
  if (kind === undefined)
    return invalid([{ pointer: "/command", detail: `must be one of ${Object.keys(itemCommands).join(", ")}` }]);
  if (!maySend(role, kind.command)) return faulty("forbidden", `The role ${role} may not send this command.`, []);
  const misfit = kind.check(item);
  if (misfit) {
    const { code, detail, errors } = bodyProblem(misfit);
    return faulty(code, detail, errors);
  }
  const command = kind.read(item);
  if ("code" in command) return faulty(command.code, command.detail, pointed(command));
  return { kind: "command", key: keyOf(item), command };
}

function keyOf(item: object): string {
  return "idempotencyKey" in item ? String(item.idempotencyKey) : "";
}

function pointed({ pointer, detail }: Rejection): readonly FieldFault[] {
  return pointer === undefined ? [] : [{ pointer, detail }];
}

function invalid(errors: readonly FieldFault[]): BulkItem {
  return faulty("invalid_request", "The item does not fit a command.", errors);
}

function faulty(code: ItemFault["code"], detail: string, errors: ItemFault["errors"]): BulkItem {
  return { kind: "fault", fault: { code, detail, errors } };
}

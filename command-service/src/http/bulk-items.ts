import { type ClientCommand, maySend, type Rejection, type Role } from "ledger-core";
import { bodyFault, compileCheck, idempotencyKeyField, type Misfit } from "ledger-core/http";
import { type PrintedItem, printOf } from "../fingerprint.ts";
import type { BulkItem, ItemFault } from "../writer-port.ts";
import { type PaymentRequest, paymentRequest, readPayment } from "./payments.ts";
import { type RailRequest, railRequest, readPayout, readTopUp } from "./rail-movements.ts";
import { readTransfer, type TransferRequest, transferRequest } from "./transfers.ts";

export const ITEMS_MAX = 10_000;
/** Faults listed per item; part of the API's contract, so not an option. */
const ITEM_FAULTS_MAX = 8;
/** The most values in a field of an item, twice what a valid one can hold; a larger field is refused unread. */
const FIELD_VALUES_MAX = 1000;

type ItemCommand = {
  readonly schema: { readonly properties: object };
  readonly command: ClientCommand["type"];
  readonly check: (item: unknown) => Misfit | undefined;
  /** The command of an item that passed the check. */
  readonly read: (item: unknown) => ClientCommand | Rejection;
};

/** The commands an item may hold, by their name in the API. */
export type ItemCommands = Readonly<Record<string, ItemCommand>>;

export function itemCommands(rails: readonly string[]): ItemCommands {
  const railBody = railRequest(rails);
  return {
    payment: itemCommand("payment", "MakePayment", paymentRequest, (item) => readPayment(item as PaymentRequest)),
    transfer: itemCommand("transfer", "PostTransfer", transferRequest, (item) => readTransfer(item as TransferRequest)),
    "top-up": itemCommand("top-up", "TopUpAccount", railBody, (item) => readTopUp(item as RailRequest)),
    payout: itemCommand("payout", "PayOut", railBody, (item) => readPayout(item as RailRequest)),
  };
}

/** An item's schema: its command's body, plus the item's key and the command's name. */
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
      idempotencyKey: idempotencyKeyField,
      command: { type: "string", enum: [name] },
      ...body.properties,
    },
  };
  return { schema, command, check: compileCheck(schema, ITEM_FAULTS_MAX), read };
}

/**
 * An item for the writer: a command, or the fault that keeps it from being one. Its print does not depend on the
 * caller's role: under another role it is still the same item.
 */
export type ReadItem = BulkItem & PrintedItem;

export function readItem(commands: ItemCommands, item: unknown, role: Role): ReadItem {
  const kind = commandOf(commands, item);
  if (kind === undefined) return { kind: "fault", fault: unknownCommand(commands, item), print: printOf([item]) };
  const huge = hugeField(item);
  // Prints its JSON as it came: sorting its fields would cost more than everything else.
  if (huge) return { kind: "fault", fault: tooManyValues(huge, kind), print: printOf([JSON.stringify(item)]) };
  const read = readCommand(kind, item);
  if ("type" in read) return admit({ kind: "command", key: keyOf(item), command: read }, role);
  const fault = maySend(role, kind.command) ? read : forbidden(role);
  return { kind: "fault", fault, print: printOf([item]) };
}

/** Turns a command into a fault if the role may not send it. */
export function admit(item: Extract<ReadItem, { kind: "command" }>, role: Role): ReadItem {
  if (maySend(role, item.command.type)) return item;
  return { kind: "fault", fault: forbidden(role), key: item.key, command: item.command };
}

function commandOf(commands: ItemCommands, item: unknown): ItemCommand | undefined {
  if (typeof item !== "object" || item === null || !("command" in item)) return undefined;
  const { command } = item;
  return typeof command === "string" && Object.hasOwn(commands, command) ? commands[command] : undefined;
}

function readCommand(kind: ItemCommand, item: unknown): ClientCommand | ItemFault {
  const misfit = kind.check(item);
  if (misfit) {
    const { code, detail } = bodyFault(misfit);
    const { faults: errors, more } = misfit;
    return more === 0 ? { code, detail, errors } : { code, detail, errors, more };
  }
  const command = kind.read(item);
  if ("type" in command) return command;
  const { code, detail, pointer } = command;
  return { code, detail, errors: pointer === undefined ? [] : [{ pointer, detail }] };
}

/** The first field of an item that holds more values than any valid one. */
function hugeField(item: unknown): { readonly name: string } | undefined {
  if (typeof item !== "object" || item === null) return undefined;
  let fields = 0;
  for (const [name, value] of Object.entries(item)) {
    if (++fields > FIELD_VALUES_MAX) return { name: "" };
    if (valuesIn(value) > FIELD_VALUES_MAX) return { name };
  }
  return undefined;
}

/** The number of values in a value, itself included; stops counting at the bound. */
function valuesIn(value: unknown): number {
  if (typeof value !== "object" || value === null) return 1;
  let count = 1;
  for (const name in value) {
    count += valuesIn((value as { readonly [name: string]: unknown })[name]);
    if (count > FIELD_VALUES_MAX) break;
  }
  return count;
}

function tooManyValues({ name }: { readonly name: string }, { schema }: ItemCommand): ItemFault {
  return {
    code: "invalid_request",
    detail: "The body does not fit this route.",
    errors: [
      {
        pointer: Object.hasOwn(schema.properties, name) ? `/${name}` : "",
        detail: `holds more than ${FIELD_VALUES_MAX} values`,
      },
    ],
  };
}

function keyOf(item: unknown): string {
  return typeof item === "object" && item !== null && "idempotencyKey" in item ? String(item.idempotencyKey) : "";
}

function unknownCommand(commands: ItemCommands, item: unknown): ItemFault {
  const named = typeof item === "object" && item !== null && "command" in item;
  const detail = named ? `must be one of ${Object.keys(commands).join(", ")}` : "is required";
  return {
    code: "invalid_request",
    detail: "The item does not fit a command.",
    errors: [{ pointer: "/command", detail }],
  };
}

function forbidden(role: Role): ItemFault {
  return { code: "forbidden", detail: `The role ${role} may not send this command.`, errors: [] };
}

import { hash } from "node:crypto";
import { type ClientCommand, isEmptyMetadata, type LedgerEvent, type MakePayment } from "ledger-core";

/** Makes the print of a text that describes a request. */
type Printer = (text: string) => string;

const PRINT_DIGITS = 32;

/** SHA-256 cut to 128 bits, as 32 hex digits: nobody can make two requests with one print. */
const printText: Printer = (text) => hash("sha256", text, "hex").slice(0, PRINT_DIGITS);

/**
 * Equal for equal commands: defaults filled in, metadata in any order. Commands of one type come from one parser, which
 * gives their fields one order.
 */
export function fingerprint(command: ClientCommand, printer = printText): string {
  return printer(commandText(command));
}

function commandText(command: ClientCommand): string {
  return command.type === "MakePayment" ? paymentText(command) : textOf(Object.values(command));
}

/**
 * Stored instead of a print when the event holds the whole command, so that plain payments are not hashed. No text has
 * this print.
 */
export const IN_EVENT = "0".repeat(PRINT_DIGITS);

/** Whether the event of a successful payment holds the whole command. */
export function isKeptWhole(command: ClientCommand): boolean {
  return command.type === "MakePayment" && command.capture === "automatic" && command.expiresAt === null;
}

/** Whether an event with the print `IN_EVENT` answers this command. */
export function isOfCommand({ fact }: LedgerEvent, command: ClientCommand): boolean {
  if (fact.type !== "PaymentCharged" || command.type !== "MakePayment") return false;
  const { payer, payee, amount, currency, reference, metadata } = fact.payment;
  const plain = { type: "MakePayment", capture: "automatic", expiresAt: null } as const;
  return paymentText({ ...plain, payer, payee, amount, currency, reference, metadata }) === paymentText(command);
}

/** The print of any JSON values and amounts. The order of an object's fields does not matter. */
export function printOf(values: readonly unknown[], printer = printText): string {
  return printer(textOf(values));
}

/** An item as part of a bulk's print: its command, or the print of a value that is not a command. */
export type PrintedItem = { readonly key?: string } & (
  | { readonly command: ClientCommand }
  | { readonly print: string }
);

/**
 * The print of a whole bulk: its items and their keys, in order, however its JSON is written. It is unambiguous: prints
 * have one length and are hexadecimal, which no command begins with; keys hold no line break.
 */
export function bulkPrint(mode: string, items: readonly PrintedItem[], printer = printText): string {
  let text = `Bulk\n${mode}\n`;
  for (const item of items) text += `${"print" in item ? item.print : commandText(item.command)}${item.key ?? ""}\n`;
  return printer(text);
}

/** Unambiguous: ids, codes and amounts hold no line break, and free text is preceded by its length. */
function paymentText(payment: MakePayment): string {
  const { payer, payee, amount, currency, capture, expiresAt, reference, metadata } = payment;
  const pairs = isEmptyMetadata(metadata) ? "{}" : canonical(metadata);
  const texts = `${canonical(reference)}\n${pairs}`;
  return `MakePayment\n${payer}\n${payee}\n${amount}\n${currency}\n${capture}\n${expiresAt}\n${texts}\n`;
}

function textOf(values: readonly unknown[]): string {
  return values.map((value) => `${canonical(value)}\n`).join("");
}

/** Text is preceded by its length, so that "null" differs from null and no text looks like two fields. */
function canonical(value: unknown): string {
  if (typeof value === "string") return `${value.length}:${value}`;
  if (value === null || typeof value !== "object") return String(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join("\t")}]`;
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, field]) => canonical(key) + canonical(field)).join()}}`;
}

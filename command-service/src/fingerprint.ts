import { hash } from "node:crypto";
import type { ClientCommand, MakePayment } from "ledger-core";

/** Makes a print of the text that describes a request. */
export type Printer = (text: string) => string;

const PRINT_DIGITS = 32;

/** SHA-256 cut to 128 bits, as 32 hex digits: nobody can make two requests with one print. */
export const printText: Printer = (text) => hash("sha256", text, "hex").slice(0, PRINT_DIGITS);

/**
 * Equal for equal commands: defaults filled in, metadata in any order. Commands of one type come from one parser, which gives their
 * fields one order.
 */
export function fingerprint(command: ClientCommand, printer = printText): string {
  return printer(command.type === "MakePayment" ? paymentText(command) : textOf(Object.values(command)));
}

/** The same for any values of JSON, and amounts: equal for equal ones, with the fields of objects in any order. */
export function printOf(values: readonly unknown[], printer = printText): string {
  return printer(textOf(values));
}

/**
 * The print of a whole bulk, of the prints and keys of its items in their order: equal for a bulk that is sent again, however
 * its JSON is written. Prints have one length, and keys hold no line break.
 */
export function bulkPrint(
  mode: string,
  items: readonly { readonly key?: string; readonly print: string }[],
  printer = printText,
): string {
  let text = `Bulk\n${mode}\n`;
  for (const { key = "", print: ofItem } of items) text += `${ofItem}${key}\n`;
  return printer(text);
}

/** The hot path's command. Ids, codes and amounts hold no line break, and free text bears its length. */
function paymentText(payment: MakePayment): string {
  const { payer, payee, amount, currency, capture, expiresAt, reference, metadata } = payment;
  const pairs = isEmpty(metadata) ? "{}" : canonical(metadata);
  return `MakePayment\n${payer}\n${payee}\n${amount}\n${currency}\n${capture}\n${expiresAt}\n${canonical(reference)}\n${pairs}\n`;
}

function textOf(values: readonly unknown[]): string {
  return values.map((value) => `${canonical(value)}\n`).join("");
}

function isEmpty(object: object): boolean {
  for (const _ in object) return false;
  return true;
}

/** Texts bear their length: null is not "null", and no text can pass for two fields. */
function canonical(value: unknown): string {
  if (typeof value === "string") return `${value.length}:${value}`;
  if (value === null || typeof value !== "object") return String(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join("\t")}]`;
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, field]) => canonical(key) + canonical(field)).join()}}`;
}

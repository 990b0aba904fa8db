import { type Amount, type BusinessDate, parseBusinessDate } from "ledger-core";

export const berkaColumns = [
  "trans_id",
  "account_id",
  "date",
  "type",
  "operation",
  "amount",
  "balance",
  "k_symbol",
  "bank",
  "account",
] as const;

/** The other side of a movement: another bank's account, or one of the bank's own. */
export type Counterparty = "cash" | "card" | "bank" | `${string}:${string}`;

/**
 * One movement of a customer's account as the bank booked it. Amounts are in hellers; `amount` is positive for a
 * credit.
 */
export type BerkaRow = {
  readonly file: string;
  readonly line: number;
  readonly id: string;
  readonly account: string;
  readonly date: BusinessDate;
  readonly amount: Amount;
  /** The bank's own balance after the row. */
  readonly balance: Amount;
  readonly counterparty: Counterparty;
  readonly type: string;
  readonly operation: string;
  readonly symbol: string;
};

const directions = new Map<string, 1n | -1n>([
  ["PRIJEM", 1n],
  ["VYDAJ", -1n],
  ["VYBER", -1n],
]);

type Meaning = { readonly direction: 1n | -1n | null; readonly other: "cash" | "card" | "bank" | "foreign" };

/** The direction and the other side allowed for each operation. */
const operations = new Map<string, Meaning>([
  ["VKLAD", { direction: 1n, other: "cash" }],
  ["VYBER", { direction: -1n, other: "cash" }],
  ["VYBER KARTOU", { direction: -1n, other: "card" }],
  ["PREVOD NA UCET", { direction: -1n, other: "foreign" }],
  ["PREVOD Z UCTU", { direction: 1n, other: "foreign" }],
  ["", { direction: null, other: "bank" }],
]);

const idGrammar = /^[0-9]{1,15}$/;
const codeGrammar = /^[A-Z0-9]{0,20}$/;
const symbolGrammar = /^[A-Z0-9. ]{0,40}$/;

/** Parses one record of the file into a row, or returns its first fault. */
export function readRow(record: readonly string[], file: string, line: number): { row: BerkaRow } | { fault: string } {
  if (record.length !== berkaColumns.length) {
    return { fault: `${record.length} columns, and there must be ${berkaColumns.length}` };
  }
  const [id = "", account = "", date = "", type = "", operation = "", amount = "", balance = ""] = record;
  const [symbol = "", bank = "", bankAccount = ""] = record.slice(7);
  if (!idGrammar.test(id)) return { fault: `trans_id ${quote(id)} is not a number` };
  if (!idGrammar.test(account)) return { fault: `account_id ${quote(account)} is not a number` };
  const day = parseBusinessDate(date);
  if (day === undefined) return { fault: `date ${quote(date)} is not a date` };
  const direction = directions.get(type);
  if (direction === undefined) return { fault: `type ${quote(type)} is unknown` };
  const meaning = operations.get(operation);
  if (meaning === undefined) return { fault: `operation ${quote(operation)} is unknown` };
  if (meaning.direction !== null && meaning.direction !== direction) {
    return { fault: `operation ${quote(operation)} does not go with type ${quote(type)}` };
  }
  const hellers = parseHellers(amount);
  if (hellers === undefined || hellers <= 0n) {
    return { fault: `amount ${quote(amount)} is not a positive amount with two decimals` };
  }
  const after = parseHellers(balance);
  if (after === undefined) return { fault: `balance ${quote(balance)} is not an amount with two decimals` };
  if (!symbolGrammar.test(symbol)) return { fault: `k_symbol ${quote(symbol)} cannot be one` };
  if (!codeGrammar.test(bank)) return { fault: `bank ${quote(bank)} cannot be one` };
  if (!codeGrammar.test(bankAccount)) return { fault: `account ${quote(bankAccount)} cannot be one` };
  const counterparty = meaning.other === "foreign" ? (`${bank}:${bankAccount}` as const) : meaning.other;
  const amounts = { amount: direction * hellers, balance: after };
  return { row: { file, line, id, account, date: day, ...amounts, counterparty, type, operation, symbol } };
}

/** Parses a decimal text with exactly two decimals, such as `-12.30`, into hellers; undefined if it is malformed. */
export function parseHellers(text: string): Amount | undefined {
  return /^-?(?:0|[1-9][0-9]{0,14})\.[0-9]{2}$/.test(text) ? BigInt(text.replace(".", "")) : undefined;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
